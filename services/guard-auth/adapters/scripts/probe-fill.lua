#!lua
-- Makes a room for one probe: open for admission, without leases, its counters and rates as told. All of it goes by itself.
--
-- KEYS 1 epoch  2 leases  3 receipts  4… all others that the admission may touch
-- ARGV 1 run id  2 ms for which the room is kept  3 JSON: { counters: [ [ key, spent, reserved, what its fields end with ], … ], rates: [ [ key, level ], … ] }
-- Nothing flows out of a rate before the room goes: it is told as of then.

redis.call('DEL', unpack(KEYS))
redis.call('SET', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[2], 0, '')
redis.call('HSET', KEYS[3], '', '')
local state = cjson.decode(ARGV[3])
for _, counter in ipairs(state.counters) do
  local spent, reserved = string.format('%.0f', counter[2]), string.format('%.0f', counter[3])
  redis.call('HSET', KEYS[counter[1]], 'spent' .. counter[4], spent, 'reserved' .. counter[4], reserved)
end
local time = redis.call('TIME')
local asOf = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2])
for _, rate in ipairs(state.rates) do
  redis.call('SET', KEYS[rate[1]], string.format('%.0f', rate[2]) .. ':' .. asOf)
end
for _, key in ipairs(KEYS) do
  redis.call('PEXPIRE', key, ARGV[2])
end
return 1
