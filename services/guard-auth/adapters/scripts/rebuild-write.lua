#!lua
-- A step of a rebuild, for the holder of its lock only; it also holds the lock for longer.
--
-- KEYS 1 lock  2… as numbered
-- ARGV 1 token  2 lock ms  3 ms for which marks are kept  4 JSON:
--   { clear: [ key, … ], counters: [ [ key, spent, reserved, expires at (ms; 0 = never), what its fields end with ], … ], marks: [ [ key, id, value ], … ],
--     values: [ [ key, value, expires at (ms) or nothing ], … ], members: [ [ key, member, score, expires at (ms) ], … ] }
-- Returns 1, or 0 when the lock is somebody else's.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local step = cjson.decode(ARGV[4])
for _, key in ipairs(step.clear) do
  redis.call('UNLINK', KEYS[key])
end
for _, counter in ipairs(step.counters) do
  local key = KEYS[counter[1]]
  redis.call('HINCRBY', key, 'spent' .. counter[5], string.format('%.0f', counter[2]))
  redis.call('HINCRBY', key, 'reserved' .. counter[5], string.format('%.0f', counter[3]))
  -- Parts of a rolling window are in one key, which goes with the last of them.
  if counter[4] > 0 and redis.call('PEXPIRETIME', key) < counter[4] then
    redis.call('PEXPIREAT', key, string.format('%.0f', counter[4]))
  end
end
for _, mark in ipairs(step.marks) do
  redis.call('HSET', KEYS[mark[1]], mark[2], mark[3])
  redis.call('PEXPIRE', KEYS[mark[1]], ARGV[3])
end
for _, value in ipairs(step.values) do
  redis.call('SET', KEYS[value[1]], value[2])
  if value[3] then
    redis.call('PEXPIREAT', KEYS[value[1]], string.format('%.0f', value[3]))
  end
end
for _, member in ipairs(step.members) do
  redis.call('ZADD', KEYS[member[1]], 'GT', string.format('%.0f', member[3]), member[2])
  if redis.call('PEXPIRETIME', KEYS[member[1]]) < member[4] then
    redis.call('PEXPIREAT', KEYS[member[1]], string.format('%.0f', member[4]))
  end
end
return 1
