#!lua
-- Admission: every counter has room, then all are charged and a lease is written; or nothing is. Under a strict limit what is
-- left decides how many output tokens are granted, and with them what is charged.
--
-- KEYS 1 epoch  2 leases  3 receipts  4 released  5 settled bucket  6 unmeasured bucket  7… counters
-- ARGV 1 run id  2 request id  3 lease ms  4 holder  5 record  6 JSON or empty: counters to choose, then for each of KEYS 7…
--      amount, limit, expires at (ms; 0 = never)
--   { o: own counter, d: shared counter, v: how many values have their own, m: at most, a: amount, l: limit, e: expires at }
--   as places in KEYS behind the others: the own counter when it is there or there may be one more, else the shared one
--   Under a strict limit one more, JSON:
--   { w: output tokens wanted of each answer, l: the least, n: answers, c: [ cost of the prompt, of one more token in each answer ],
--     p: of each counter, in the order of the answer: { i: place among the charges, f: fixed, u: for each token granted,
--     m: at most, absent for a strict limit, l: limit } }
-- What the hash of receipts holds is holder:record, or holder;choices:record with a letter for each choice: o or d; under a
-- strict limit the choices go on with !1,granted,completion,cost,amount,… where 1 is how many attempts it is reserved for. The holder is the replica that admitted, as long as it alone may know
-- of it: a repeat makes it empty.
-- Returns { outcome, holder:record or, when new, the choices and the grant, spent, reserved, spent, reserved, … } as the counters are after it; outcome
-- 0 admitted  1 refused  2 admitted before: the first record  3 over already  4 not rebuilt

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return { 4 }
end

local id = ARGV[2]
local first = redis.call('HGET', KEYS[3], id)
local over = redis.call('EXISTS', KEYS[4]) == 1
if not over and not first then
  over = redis.call('HEXISTS', KEYS[5], id) == 1 or redis.call('HEXISTS', KEYS[6], id) == 1
end
if over then
  return { 3 }
end

local answer = { 0, '' }
local counters = math.floor((#ARGV - 6) / 3)
local new = {}
for i = 1, counters do
  local held = redis.call('HMGET', KEYS[6 + i], 'spent', 'reserved')
  local spent = tonumber(held[1] or 0)
  local reserved = tonumber(held[2] or 0)
  new[i] = not held[1] and not held[2]
  answer[1 + 2 * i] = spent
  answer[2 + 2 * i] = reserved
  if spent + reserved + tonumber(ARGV[4 + 3 * i]) > tonumber(ARGV[5 + 3 * i]) then
    answer[1] = 1
  end
end

local special = ARGV[6] ~= '' and cjson.decode(ARGV[6]) or {}
local choices = ''
for i, s in ipairs(special) do
  s.key = KEYS[s.o]
  if redis.call('EXISTS', s.key) == 1 then
    choices = choices .. 'o'
  elseif tonumber(redis.call('GET', KEYS[s.v]) or 0) < s.m then
    choices = choices .. 'o'
    s.another = true
  else
    s.key = KEYS[s.d]
    choices = choices .. 'd'
  end
  local held = redis.call('HMGET', s.key, 'spent', 'reserved')
  local spent = tonumber(held[1] or 0)
  local reserved = tonumber(held[2] or 0)
  answer[1 + 2 * (counters + i)] = spent
  answer[2 + 2 * (counters + i)] = reserved
  if spent + reserved + s.a > s.l then
    answer[1] = 1
  end
end

if #ARGV > 6 + 3 * counters then
  local strict = cjson.decode(ARGV[#ARGV])
  local function left(i, p)
    return p.l - answer[1 + 2 * i] - answer[2 + 2 * i] - p.f
  end
  local granted = strict.w
  for i, p in ipairs(strict.p) do
    if not p.m and p.u > 0 then
      granted = math.min(granted, math.floor(left(i, p) / p.u))
    end
  end
  answer[1] = granted < strict.l and 1 or 0
  granted = math.max(granted, strict.l)
  local amounts = {}
  for i, p in ipairs(strict.p) do
    local amount = p.f + granted * p.u
    if p.m and p.m < amount then
      amount = p.m
    end
    if amount - p.f > left(i, p) then
      answer[1] = 1
    end
    amounts[p.i + 1] = string.format('%.0f', amount)
    if i <= counters then
      ARGV[4 + 3 * i] = amounts[p.i + 1]
    else
      special[i - counters].a = amount
    end
  end
  local cost = strict.c[1] + granted * strict.c[2]
  choices = choices .. string.format('!1,%.0f,%.0f,%.0f,', granted, granted * strict.n, cost) .. table.concat(amounts, ',')
end

if first then
  answer[1] = 2
  answer[2] = first
  redis.call('HSET', KEYS[3], id, string.sub(first, string.find(first, '[;:]'), -1))
  return answer
end
answer[2] = choices
if answer[1] == 1 then
  return answer
end

for i = 1, counters do
  answer[2 + 2 * i] = redis.call('HINCRBY', KEYS[6 + i], 'reserved', ARGV[4 + 3 * i])
  if new[i] and ARGV[6 + 3 * i] ~= '0' then
    redis.call('PEXPIREAT', KEYS[6 + i], ARGV[6 + 3 * i])
  end
end
for i, s in ipairs(special) do
  answer[2 + 2 * (counters + i)] = redis.call('HINCRBY', s.key, 'reserved', string.format('%.0f', s.a))
  if redis.call('PTTL', s.key) == -1 then
    redis.call('PEXPIREAT', s.key, string.format('%.0f', s.e))
  end
  if s.another then
    redis.call('INCR', KEYS[s.v])
    redis.call('PEXPIREAT', KEYS[s.v], string.format('%.0f', s.e))
  end
end
local time = redis.call('TIME')
local expiry = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3]
redis.call('ZADD', KEYS[2], string.format('%.0f', expiry), id)
redis.call('HSET', KEYS[3], id, ARGV[4] .. (choices ~= '' and ';' .. choices or '') .. ':' .. ARGV[5])
return answer
