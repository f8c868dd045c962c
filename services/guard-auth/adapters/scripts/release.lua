-- Somebody gave up waiting for an admission: returns its record if it was made, and keeps it from being made later.
--
-- KEYS 1 receipts  2 released
-- ARGV 1 request id  2 ms to remember it

redis.call('SET', KEYS[2], '1', 'PX', ARGV[2])
return redis.call('HGET', KEYS[1], ARGV[1])
