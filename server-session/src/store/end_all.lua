-- Ends all sessions of a user, and logins of theirs that are being made.
-- KEYS: the user's sessions, when they were ended
-- ARGV: what the key of a session starts with ('' ends none: it only asks which there are),
--   for how many ms logins that began before are refused
-- Answers the store's time in microseconds, and the names of the user's sessions.
local time = redis.call('TIME')
local now = time[1] .. string.format('%06d', time[2])
local sessions = redis.call('ZRANGE', KEYS[1], 0, -1)
if ARGV[1] ~= '' then
  for _, name in ipairs(sessions) do
    redis.call('DEL', ARGV[1] .. name)
  end
  redis.call('DEL', KEYS[1])
end
-- Last: when memory is full, Redis lets a script write only after it has deleted something.
redis.pcall('SET', KEYS[2], now, 'PX', ARGV[2])
return {now, sessions}
