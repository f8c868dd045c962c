#!lua
-- One request a key of idempotency makes the call; others learn who, and what came of it.
--
-- KEYS 1 claim  2 claims, sorted by when they were made or answered  3 bytes of all
-- ARGV 1 request id  2 digest of its body  3 request that held it and that nobody owns any more, or empty  4 ms that it is kept
--      5 bytes that it counts for  6 its name among the claims
-- Returns { 0 } it is this request's, { 1 } another body, { 2, answer }, { 3 } answered and not kept, { 4, request } that has it.

local held = redis.call('HMGET', KEYS[1], 'holder', 'body', 'answer', 'unkept')
if held[1] then
  if held[2] ~= ARGV[2] then
    return { 1 }
  end
  if held[3] then
    return { 2, held[3] }
  end
  if held[4] then
    return { 3 }
  end
  if held[1] ~= ARGV[1] and held[1] ~= ARGV[3] then
    return { 4, held[1] }
  end
  redis.call('HSET', KEYS[1], 'holder', ARGV[1])
  return { 0 }
end

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'body', ARGV[2])
redis.call('ZADD', KEYS[2], now, ARGV[6] .. ':' .. ARGV[5])
redis.call('INCRBY', KEYS[3], ARGV[5])
for i = 1, 3 do
  redis.call('PEXPIRE', KEYS[i], ARGV[4])
end
return { 0 }
