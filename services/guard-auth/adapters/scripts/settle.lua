#!lua
-- Charges what requests really used, by the difference to what each was charged before, and ends their leases. The same
-- event again, or an older version after a newer one, changes nothing.
--
-- KEYS 1 gate  2 leases  3 receipts  4 floor  5 index of settled buckets  6… as numbered in the events
-- ARGV 1 what the gate must hold  2 ms for which marks are kept at most  3 JSON: events
--   { id, v: version, s: stream sequence, p, c: tokens, n: cost, b: bucket, m, u: keys of its settled and unmeasured
--     bucket, g: model, t: true when the lease may hold more than once, r: [ [ counter's key, quantity, amount reserved,
--     expires at (ms; 0 = when nothing is held), models that it counts; 0 = all, what its fields end with; of a rate: units that
--     flow back in a window, the window's ms ], … ] }
-- A rate holds the estimate since admission, and of further attempts since they were reserved: it moves by the difference, when a
-- request is charged for the first time to what was reserved.
--   4 JSON or empty: what counters are watched for, after all events
--   [ counter's key, field with the highest per cent told, per cent, spent from which it is reached, per cent, … ], ascending
-- Returns { charged, without effect, then for each watch that has something to tell: its place from 0, spent, reserved,
-- per cent told } or { -1 } when the gate is shut.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return { -1 }
end

local floor = tonumber(redis.call('GET', KEYS[4]) or 0)
local spent, reserved, expires, order, rates = {}, {}, {}, {}, {}
local charged, idle = 0, 0

local function add(sums, key, part, amount, expiresAt)
  local name = key .. part
  if not expires[name] then
    expires[name] = expiresAt
    order[#order + 1] = { name, key, part }
  end
  sums[name] = (sums[name] or 0) + amount
end

-- Version 0: not charged yet. A request counts once, whatever it used.
local function cost(quantity, version, prompt, completion, nanoUsd)
  if quantity == 'tokens' then return prompt + completion end
  if quantity == 'prompt_tokens' then return prompt end
  if quantity == 'completion_tokens' then return completion end
  if quantity == 'cost_nano_usd' then return nanoUsd end
  if quantity == 'requests' then return version > 0 and 1 or 0 end
  return 0
end

-- How often a lease holds what adds up with attempts.
local function times(receipt)
  return receipt and tonumber(string.match(receipt, '^[^:!]*!(%d+)')) or 1
end

-- What a model served that a limit does not name is not charged to it; of what no model is known, it is.
local function counts(models, model)
  if models == 0 or model == '' then return true end
  for _, one in ipairs(models) do
    if one == model then return true end
  end
  return false
end

for _, event in ipairs(cjson.decode(ARGV[3])) do
  if event.s > floor then
    local settledKey, unmeasuredKey = KEYS[event.m], KEYS[event.u]
    local mark = redis.call('HGET', settledKey, event.id) or redis.call('HGET', unmeasuredKey, event.id)
    local version, prompt, completion, nanoUsd, model = 0, 0, 0, 0, ''
    if mark then
      local v, p, c, n, m = string.match(mark, '^(%d+):(%d+):(%d+):(%d+):?(.*)$')
      version, prompt, completion, nanoUsd, model = tonumber(v), tonumber(p), tonumber(c), tonumber(n), m
    end
    local leased = redis.call('ZREM', KEYS[2], event.id) == 1
    local held = 1
    if leased then
      held = event.t and times(redis.call('HGET', KEYS[3], event.id)) or 1
      redis.call('HDEL', KEYS[3], event.id)
    end
    local newer = event.v > version
    for _, r in ipairs(event.r) do
      local key = KEYS[r[1]]
      local once = r[2] == 'requests' or r[2] == 'concurrency'
      if newer then
        local before = counts(r[5], model) and cost(r[2], version, prompt, completion, nanoUsd) or 0
        local after = counts(r[5], event.g) and cost(r[2], event.v, event.p, event.c, event.n) or 0
        if r[7] then
          local rate = rates[key] or { moved = 0, perMs = r[7], unit = r[8] }
          rate.moved = rate.moved + after - (mark and before or r[3] * (once and 1 or held))
          rates[key] = rate
        else
          add(spent, key, r[6], after - before, r[4])
        end
      end
      if leased and not r[7] then
        add(reserved, key, r[6], -r[3] * (once and 1 or held), r[4])
      end
    end
    if newer then
      charged = charged + 1
      if #event.r > 0 then
        local value = string.format('%d:%.0f:%.0f:%.0f:%s', event.v, event.p, event.c, event.n, event.g)
        if event.v >= 3 then
          redis.call('HSET', settledKey, event.id, value)
          redis.call('PEXPIRE', settledKey, ARGV[2])
          redis.call('ZADD', KEYS[5], 'GT', event.s, event.b)
          if version > 0 then redis.call('HDEL', unmeasuredKey, event.id) end
        else
          redis.call('HSET', unmeasuredKey, event.id, value)
          redis.call('PEXPIRE', unmeasuredKey, ARGV[2])
        end
      end
    else
      idle = idle + 1
    end
  else
    idle = idle + 1
  end
end

for _, counter in ipairs(order) do
  local name, key, part = counter[1], counter[2], counter[3]
  local moved = false
  if spent[name] and spent[name] ~= 0 then
    redis.call('HINCRBY', key, 'spent' .. part, string.format('%.0f', spent[name]))
    moved = true
  end
  if reserved[name] and reserved[name] ~= 0 then
    local held = redis.call('HINCRBY', key, 'reserved' .. part, string.format('%.0f', reserved[name]))
    if expires[name] == 0 and held <= 0 then
      redis.call('DEL', key)
    end
    moved = true
  end
  if moved and expires[name] > 0 and redis.call('PTTL', key) == -1 then
    redis.call('PEXPIREAT', key, string.format('%.0f', expires[name]))
  end
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for key, rate in pairs(rates) do
  if rate.moved ~= 0 then
    local level, at = string.match(redis.call('GET', key) or '0:0', '^(%d+):(%d+)$')
    level = math.max(0, tonumber(level) - math.max(0, now - tonumber(at)) * rate.perMs)
    -- Whole numbers end at 2^53: a larger debt is as good as that one.
    level = math.min(level + rate.moved * rate.unit, 9007199254740991)
    if level > 0 then
      local emptyIn = string.format('%.0f', math.ceil(level / rate.perMs))
      redis.call('SET', key, string.format('%.0f:%.0f', level, now), 'PX', emptyIn)
    else
      redis.call('DEL', key)
    end
  end
end

-- Told is only what was published, so this says it again until then, whichever event comes by.
local answer = { charged, idle }
for i, watch in ipairs(ARGV[4] ~= '' and cjson.decode(ARGV[4]) or {}) do
  local held = redis.call('HMGET', KEYS[watch[1]], 'spent', 'reserved', watch[2])
  local spent, told = tonumber(held[1] or 0), tonumber(held[3] or 0)
  for at = 3, #watch, 2 do
    if watch[at] > told and spent >= watch[at + 1] then
      for _, figure in ipairs({ i - 1, spent, tonumber(held[2] or 0), told }) do
        answer[#answer + 1] = figure
      end
      break
    end
  end
end
return answer
