#!lua
-- Reserves for further attempts of a request: every counter and rate has room, then all are charged and its lease remembers how
-- often; or nothing is.
--
-- KEYS 1 epoch  2 leases  3 receipts  4… counters and rates
-- ARGV 1 run id  2 request id  3 lease ms  4 how many attempts it is reserved for afterwards  5 JSON, for each of KEYS 4…:
--   [ amount of one attempt, limit (-1: none), expires at (ms), what its fields end with (of a rolling window, whose parts are all
--     in one hash); of a rate, whose limit is its burst: units that flow back in a window, the window's ms ]
-- Returns 1, also when it was done before; 0 when it was not done: no room, no lease, or not rebuilt.

if redis.call('GET', KEYS[1]) ~= ARGV[1] or not redis.call('ZSCORE', KEYS[2], ARGV[2]) then
  return 0
end
local held = redis.call('HGET', KEYS[3], ARGV[2])
if not held then
  return 0
end
-- As reserve.lua writes it: holder:record or holder;choices:record, and with !times,… at the end of the choices.
local ends = string.find(held, ':', 1, true)
local head = string.sub(held, 1, ends - 1)
local before, times, grant = string.match(head, '^([^!]*)!(%d+)(.*)$')
if not times then
  before, times, grant = string.find(head, ';', 1, true) and head or head .. ';', 1, ''
end
local wanted = tonumber(ARGV[4])
local more = wanted - tonumber(times)
if more <= 0 then
  return 1
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Spent and reserved; of a rolling window those of all parts, the one that has just left too: rather one attempt too few.
local function sumOf(key)
  local sum, held = 0, redis.call('HGETALL', key)
  for i = 1, #held, 2 do
    local name = string.match(held[i], '^%a+')
    if name == 'spent' or name == 'reserved' then
      sum = sum + tonumber(held[i + 1])
    end
  end
  return sum
end

local function levelOf(key, perMs)
  local level, at = string.match(redis.call('GET', key) or '0:0', '^(%d+):(%d+)$')
  return math.max(0, tonumber(level) - math.max(0, now - tonumber(at)) * perMs)
end

local charges = cjson.decode(ARGV[5])
for i, charge in ipairs(charges) do
  local key, amount, limit, perMs, unit = KEYS[3 + i], charge[1] * more, charge[2], charge[5], charge[6]
  if limit >= 0 then
    if perMs and levelOf(key, perMs) + amount * unit > limit * unit then
      return 0
    elseif not perMs and sumOf(key) + amount > limit then
      return 0
    end
  end
end
for i, charge in ipairs(charges) do
  local key, amount, perMs, unit = KEYS[3 + i], charge[1] * more, charge[5], charge[6]
  if perMs then
    local level = levelOf(key, perMs) + amount * unit
    if level > 0 then
      local emptyIn = string.format('%.0f', math.ceil(level / perMs))
      redis.call('SET', key, string.format('%.0f:%.0f', level, now), 'PX', emptyIn)
    end
  else
    redis.call('HINCRBY', key, 'reserved' .. charge[4], string.format('%.0f', amount))
    if redis.call('PTTL', key) == -1 then
      redis.call('PEXPIREAT', key, string.format('%.0f', charge[3]))
    end
  end
end
redis.call('HSET', KEYS[3], ARGV[2], before .. '!' .. ARGV[4] .. grant .. string.sub(held, ends))
redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[3]), ARGV[2])
return 1
