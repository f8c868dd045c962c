#!lua
-- Keeps leases of running requests alive, and writes again those that are missing and not settled.
--
-- KEYS 1 epoch  2 rebuilding  3 leases  4 receipts  5… as numbered in the requests
-- ARGV 1 run id  2 lease ms  3 JSON: requests  4… their records, in the same order
--   { id, h: what stands before the record, m, u: keys of its settled and unmeasured bucket, r: [ [ counter's key, amount reserved,
--     expires at (ms; 0 = never), what its fields end with ], … ] }
-- Returns { renewed, written again, settled already } or { -1 } while the counters are not there yet.

if redis.call('GET', KEYS[1]) ~= ARGV[1] and redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return { -1 }
end

local time = redis.call('TIME')
local expiry = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2])
local renewed, written, settled = 0, 0, 0
for i, request in ipairs(cjson.decode(ARGV[3])) do
  local id = request.id
  if redis.call('ZSCORE', KEYS[3], id) then
    redis.call('ZADD', KEYS[3], expiry, id)
    renewed = renewed + 1
  elseif redis.call('HEXISTS', KEYS[request.m], id) == 1 or redis.call('HEXISTS', KEYS[request.u], id) == 1 then
    settled = settled + 1
  else
    redis.call('ZADD', KEYS[3], expiry, id)
    redis.call('HSET', KEYS[4], id, request.h .. ':' .. ARGV[3 + i])
    for _, r in ipairs(request.r) do
      local key = KEYS[r[1]]
      redis.call('HINCRBY', key, 'reserved' .. r[4], string.format('%.0f', r[2]))
      if r[3] > 0 and redis.call('PTTL', key) == -1 then
        redis.call('PEXPIREAT', key, string.format('%.0f', r[3]))
      end
    end
    written = written + 1
  end
end
return { renewed, written, settled }
