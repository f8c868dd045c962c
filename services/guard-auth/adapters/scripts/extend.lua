#!lua
-- Reserves for one more attempt of a request under a strict limit: every strict counter has room, then all are charged once more
-- and its lease remembers it; or nothing is.
--
-- KEYS 1 epoch  2 leases  3 receipts  4… counters
-- ARGV 1 run id  2 request id  3 lease ms  4 how many attempts it is reserved for afterwards, then for each of KEYS 4… amount,
--      limit (-1: none), expires at (ms), what its fields end with (of a rolling window, whose parts are all in one hash)
-- Returns 1, also when it was done before; 0 when it was not done: no room, no lease, or not rebuilt.

if redis.call('GET', KEYS[1]) ~= ARGV[1] or not redis.call('ZSCORE', KEYS[2], ARGV[2]) then
  return 0
end
local held = redis.call('HGET', KEYS[3], ARGV[2])
if not held then
  return 0
end
local _, ends, times = string.find(held, '^[^:!]*!(%d+)')
local wanted = tonumber(ARGV[4])
if not times or tonumber(times) + 1 < wanted then
  return 0
end
if tonumber(times) >= wanted then
  return 1
end

-- Spent and reserved; of a rolling window those of all parts, the one that has just left too: rather one attempt too few.
local function sumOf(key)
  local sum, held = 0, redis.call('HGETALL', key)
  for i = 1, #held, 2 do
    local name = string.match(held[i], '^%a+')
    if name == 'spent' or name == 'reserved' then
      sum = sum + tonumber(held[i + 1])
    end
  end
  return sum
end

for i = 4, #KEYS do
  local at = 4 * i - 11
  local limit = tonumber(ARGV[at + 1])
  if limit >= 0 and sumOf(KEYS[i]) + tonumber(ARGV[at]) > limit then
    return 0
  end
end
for i = 4, #KEYS do
  local at = 4 * i - 11
  redis.call('HINCRBY', KEYS[i], 'reserved' .. ARGV[at + 3], ARGV[at])
  if redis.call('PTTL', KEYS[i]) == -1 then
    redis.call('PEXPIREAT', KEYS[i], ARGV[at + 2])
  end
end
redis.call('HSET', KEYS[3], ARGV[2], string.sub(held, 1, ends - #times) .. ARGV[4] .. string.sub(held, ends + 1))
local time = redis.call('TIME')
local expiry = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3]
redis.call('ZADD', KEYS[2], string.format('%.0f', expiry), ARGV[2])
return 1
