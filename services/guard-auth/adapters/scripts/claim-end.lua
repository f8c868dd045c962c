#!lua
-- What became of the call of a request that holds a key of idempotency: its answer is kept, or only that there was one, or the
-- key is free again. Of all that is kept the oldest goes beyond the bound.
--
-- KEYS 1 claim  2 claims, sorted by when they were made or answered  3 bytes of all
-- ARGV 1 request id  2 answer, or empty  3 '1' when it was answered and is not kept  4 ms that it is kept  5 bytes that a claim
--      counts for  6 its name among the claims  7 most bytes of all  8 what the key of a claim begins with, before its name
-- Returns how many went for the others' sake; -1 when the request does not hold it, and nothing was done.

if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then
  return -1
end
local member = ARGV[6] .. ':' .. ARGV[5]
if ARGV[2] == '' and ARGV[3] ~= '1' then
  redis.call('UNLINK', KEYS[1])
  if redis.call('ZREM', KEYS[2], member) == 1 then
    redis.call('DECRBY', KEYS[3], ARGV[5])
  end
  return 0
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local bytes = tonumber(ARGV[5]) + #ARGV[2]
if ARGV[3] == '1' then
  redis.call('HSET', KEYS[1], 'unkept', '1')
else
  redis.call('HSET', KEYS[1], 'answer', ARGV[2])
end
-- Told twice it is the same.
if redis.call('ZREM', KEYS[2], member) == 1 then
  redis.call('INCRBY', KEYS[3], #ARGV[2])
  redis.call('ZADD', KEYS[2], string.format('%.0f', now), ARGV[6] .. ':' .. string.format('%.0f', bytes))
end
for i = 1, 3 do
  redis.call('PEXPIRE', KEYS[i], ARGV[4])
end

-- The clean-up of one call is bounded; each adds one claim, so several a call catch up.
local evicted = 0
for _ = 1, 16 do
  local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
  local over = tonumber(redis.call('GET', KEYS[3]) or 0) > tonumber(ARGV[7])
  if not first[1] or (not over and tonumber(first[2]) + tonumber(ARGV[4]) > now) then
    break
  end
  local name, size = string.match(first[1], '^([^:]*):(%d+)$')
  redis.call('ZREM', KEYS[2], first[1])
  redis.call('DECRBY', KEYS[3], size)
  evicted = evicted + redis.call('UNLINK', ARGV[8] .. name)
end
return evicted
