#!lua
-- One replica takes the rebuild. Leases survive it with a fresh expiry: their owners could not renew them meanwhile.
--
-- KEYS 1 lock  2 rebuilding  3 leases  4 epoch
-- ARGV 1 token  2 lock ms  3 lease ms  4 run id
-- Returns 1, or 0 when somebody else has it, or has just done it.

if redis.call('GET', KEYS[4]) == ARGV[4] then
  return 0
end
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return 0
end
redis.call('DEL', KEYS[2])
local time = redis.call('TIME')
local expiry = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3])
for _, id in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
  redis.call('ZADD', KEYS[3], expiry, id)
end
return 1
