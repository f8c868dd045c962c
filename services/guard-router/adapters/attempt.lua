-- What upstream tells of an attempt at a target that asked for it. Redis 7.2 commands only.
-- KEYS[1] hash of rates, KEYS[2] hash of latencies, KEYS[3] sorted set of the target's requests in flight: as in choose.lua
-- ARGV[1] target; ARGV[2] now ms; ARGV[3] request id; ARGV[4] how long it counts as in flight, ms: 0 = not at all,
-- negative = not any more; ARGV[5] tokens, ARGV[6] rpm, ARGV[7] tpm: what it takes from the rates, 0 = none;
-- ARGV[8] ms to its first content, empty = nothing was measured; ARGV[9] the part of a new measure, 0 to 1
local target, now, hold = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[4])
local function spend(name, units, perMinute)
  if perMinute == 0 then return end
  local field = target .. name
  local from = math.max(tonumber(redis.call('HGET', KEYS[1], field) or '0'), now)
  redis.call('HSET', KEYS[1], field, string.format('%.4f', from + math.min(units, perMinute) * 60000 / perMinute))
  redis.call('EXPIRE', KEYS[1], 86400)
end
spend('|rpm', 1, tonumber(ARGV[6]))
spend('|tpm', tonumber(ARGV[5]), tonumber(ARGV[7]))
if hold > 0 then
  redis.call('ZADD', KEYS[3], now + hold, ARGV[3])
  redis.call('PEXPIRE', KEYS[3], 2 * hold)
elseif hold < 0 then
  redis.call('ZREM', KEYS[3], ARGV[3])
end
if ARGV[8] ~= '' then
  local before = redis.call('HGET', KEYS[2], target)
  local value = tonumber(ARGV[8])
  if before then
    local old = tonumber(before:match('^(.*)@'))
    value = old + (value - old) * tonumber(ARGV[9])
  end
  redis.call('HSET', KEYS[2], target, string.format('%.3f', value) .. '@' .. now)
  redis.call('EXPIRE', KEYS[2], 86400)
end
return 1
