#!lua
-- What counters hold and what leases hold, of one moment. It only reads.
--
-- KEYS 1 receipts  2… counters
-- ARGV 1 most leases that are read  2… what the fields of each counter end with
-- Returns { records of all leases, or false when there are more; then for each counter spent, reserved }

local answer = { redis.call('HLEN', KEYS[1]) <= tonumber(ARGV[1]) and redis.call('HVALS', KEYS[1]) }
for at = 2, #KEYS do
  local held = redis.call('HMGET', KEYS[at], 'spent' .. ARGV[at], 'reserved' .. ARGV[at])
  answer[#answer + 1] = held[1] or '0'
  answer[#answer + 1] = held[2] or '0'
end
return answer
