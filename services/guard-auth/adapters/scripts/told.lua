#!lua
-- Thresholds that somebody was told of. A counter that went meanwhile stays away.
--
-- KEYS counters
-- ARGV for each of KEYS: field, per cent
-- Returns how many were raised.

local raised = 0
for i, key in ipairs(KEYS) do
  local field, percent = ARGV[2 * i - 1], tonumber(ARGV[2 * i])
  if redis.call('EXISTS', key) == 1 and percent > tonumber(redis.call('HGET', key, field) or 0) then
    redis.call('HSET', key, field, percent)
    raised = raised + 1
  end
end
return raised
