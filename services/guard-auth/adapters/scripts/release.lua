#!lua
-- Somebody gave up waiting for an admission: returns its record if it was made, and keeps it from being made later.
--
-- KEYS 1 receipts  2 released
-- ARGV 1 request id  2 ms to remember it  3 holder: only an admission that nobody else knows of; empty: any

local made = redis.call('HGET', KEYS[1], ARGV[1])
if made and ARGV[3] ~= '' and string.sub(made, 1, string.find(made, '[;:]') - 1) ~= ARGV[3] then
  return false
end
redis.call('SET', KEYS[2], '1', 'PX', ARGV[2])
return made
