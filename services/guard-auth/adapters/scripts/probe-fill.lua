#!lua
-- Makes a room for one probe: open for admission, without leases, its counters as told. All of it goes by itself.
--
-- KEYS 1 epoch  2 leases  3 receipts  4… counters
-- ARGV 1 run id  2 ms for which the room is kept  3… spent, reserved of each counter

redis.call('DEL', unpack(KEYS))
redis.call('SET', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[2], 0, '')
redis.call('HSET', KEYS[3], '', '')
for i = 4, #KEYS do
  redis.call('HSET', KEYS[i], 'spent', ARGV[2 * i - 5], 'reserved', ARGV[2 * i - 4])
end
for _, key in ipairs(KEYS) do
  redis.call('PEXPIRE', key, ARGV[2])
end
return 1
