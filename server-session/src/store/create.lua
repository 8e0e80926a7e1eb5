-- Writes a new session, finds it a place among its user's, and deletes the one that it replaces.
-- KEYS: the session, its user's sessions, when those were ended, and the session replaced, if any
-- ARGV: when this login began ('' if nobody asked), idle ms, absolute ms, data, the session's name
-- Answers 1, 0 when the name is taken, -1 when all logins of this user were ended meanwhile.
local ended = redis.call('GET', KEYS[3])
if ended and ARGV[1] ~= '' and tonumber(ended) > tonumber(ARGV[1]) then
  return -1
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = now + ARGV[3]
local record = struct.pack('<I8I8', 1, ends) .. ARGV[4]
if not redis.call('SET', KEYS[1], record, 'NX', 'PX', math.min(ARGV[2], ARGV[3])) then
  return 0
end
-- Ordered by their end, so that those that are over can be dropped.
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZADD', KEYS[2], ends, ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
if KEYS[4] then
  redis.call('DEL', KEYS[4])
end
return 1
