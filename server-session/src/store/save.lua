-- Saves a session that is still there, in the version that was read.
-- KEYS: the session
-- ARGV: the version read, eight bytes ('' for any), data, idle ms ('' leaves its expiry alone)
-- Answers the new version, 0 when the session is gone, -1 when it was changed meanwhile.
local head = redis.call('GETRANGE', KEYS[1], 0, 15)
if head == '' then
  return 0
end
if ARGV[1] ~= '' and ARGV[1] ~= head:sub(1, 8) then
  return -1
end
local version = struct.unpack('<I8', head) + 1
local record = struct.pack('<I8', version) .. head:sub(9) .. ARGV[2]
if ARGV[3] == '' then
  redis.call('SET', KEYS[1], record, 'XX', 'KEEPTTL')
else
  redis.call('SET', KEYS[1], record, 'XX', 'PX', ARGV[3])
end
return version
