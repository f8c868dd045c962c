#!lua
-- Raises the floor and forgets buckets of settled marks that no event can meet any more.
--
-- KEYS 1 epoch  2 floor  3 index of settled buckets  4… buckets
-- ARGV 1 run id  2 floor  3 buckets whose newest sequence is at most this are forgotten  4… the buckets' names in the index
-- Returns how many were forgotten.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end

if tonumber(ARGV[2]) > tonumber(redis.call('GET', KEYS[2]) or 0) then
  redis.call('SET', KEYS[2], ARGV[2])
end
local forgotten = 0
for i = 4, #KEYS do
  local newest = redis.call('ZSCORE', KEYS[3], ARGV[i])
  if newest and tonumber(newest) <= tonumber(ARGV[3]) then
    redis.call('UNLINK', KEYS[i])
    redis.call('ZREM', KEYS[3], ARGV[i])
    forgotten = forgotten + 1
  end
end
return forgotten
