#!lua
-- Leases that ran out, with their records. They are hidden from other askers for a while, so that one of them acts; a
-- lease itself ends only by settling.
--
-- KEYS 1 epoch  2 leases  3 receipts
-- ARGV 1 run id  2 at most so many  3 ms to hide them
-- Returns { record, record, … }

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return {}
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local records = {}
local ids = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now), 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  local record = redis.call('HGET', KEYS[3], id)
  if record then
    records[#records + 1] = record
    redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[3]), id)
  else
    redis.call('ZREM', KEYS[2], id)
  end
end
return records
