#!lua
-- Admission: every counter and rate has room, then all are charged and a lease is written; or nothing is. Under a strict limit
-- what is left decides how many output tokens are granted, and with them what is charged.
--
-- KEYS 1 epoch  2 leases  3 receipts  4 released  5 settled bucket  6 unmeasured bucket  7… counters
-- ARGV 1 run id  2 request id  3 lease ms  4 holder  5 record  6 JSON or empty: special charges, then for each of KEYS 7…
--      amount, limit, expires at (ms; 0 = never)
--   A special charge, with places in KEYS behind the others:
--   { o: counter or rate, a: amount, l: limit, e: expires at,
--     w: of a rolling window { s: start of the part that is charged, p: ms of a part, n: parts before it that count }; the fields
--        of all parts are in one hash, spent:<start> and reserved:<start>,
--     r: of a rate { l: units that flow back in a window, p: the window's ms, b: burst, h: whether it refuses } whose level
--        is in units times p: a unit adds p, a millisecond takes l away (the continuous-state leaky bucket of ITU-T I.371)
--     with a counter for each value: d: the counter that all others share, v: which values have their own,
--     m: how many may, n: this value }
--   The own counter when it is there or there may be one more, else the shared one.
--   Under a strict limit one more, JSON:
--   { w: output tokens wanted of each answer, l: the least, n: answers, c: [ cost of the prompt, of one more token in each answer ],
--     p: of each counter, in the order of the answer: { i: place among the charges, f: fixed, u: for each token granted,
--     m: at most, absent for a strict limit, l: limit } }
-- What the hash of receipts holds is holder:record, or holder;choices:record with a letter for each choice: o or d, or n for a
-- rate that refuses nobody, has no room and is not charged; under a strict limit the choices go on with
-- !1,granted,completion,cost,amount,… where 1 is how many attempts it is reserved for. The holder is the replica that admitted, as
-- long as it alone may know of it: a repeat makes it empty.
-- Returns { outcome, holder:record or, when new, the choices and the grant, spent, reserved, spent, reserved, … } as the counters
-- are after it (of a rolling window those of all parts, of a rate what is used of its burst, rounded up, and 0), then two numbers
-- more for each special charge: of a rolling window the places, from 0 for the oldest that counts, of the newest part that holds
-- anything and, when refused, of the oldest that has to leave; of a rate its level and now in ms, negative when it had no room and
-- was not charged; outcome
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

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
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

local function mayHaveOwn(s)
  if not s.w and redis.call('EXISTS', KEYS[s.o]) == 1 then
    return true
  end
  s.another = true
  if not s.w and not s.r then
    return tonumber(redis.call('GET', KEYS[s.v]) or 0) < s.m
  end
  s.from = string.format('%.0f', s.w and s.w.s - s.w.n * s.w.p or now)
  local score = redis.call('ZSCORE', KEYS[s.v], s.n)
  s.another = not s.w or not score or tonumber(score) < s.w.s
  return score and tonumber(score) >= tonumber(s.from) or redis.call('ZCOUNT', KEYS[s.v], s.from, '+inf') < s.m
end

-- Adds up the parts of a rolling window: those that count for this request, and any later one, in which requests that
-- started after it came sooner.
local function sumOfParts(s)
  local w, sums, last, held = s.w, {}, s.w.n, redis.call('HGETALL', s.key)
  local spent, reserved = 0, 0
  s.new, s.stale = true, {}
  for j = 1, #held, 2 do
    local field, amount = held[j], tonumber(held[j + 1])
    local isSpent = string.byte(field) == 115
    local place = (tonumber(string.sub(field, isSpent and 7 or 10)) - w.s) / w.p + w.n
    if place >= 0 then
      if isSpent then
        spent = spent + amount
      else
        reserved = reserved + amount
      end
      sums[place] = (sums[place] or 0) + amount
      if place > last then
        last = place
      end
      if place == w.n then
        s.new = false
      end
    end
    -- One part more than an admission reads is kept, for one that comes late.
    if place < -1 or (amount == 0 and place < w.n) then
      s.stale[#s.stale + 1] = field
    end
  end
  s.spent, s.reserved = spent, reserved
  s.sums, s.last = sums, last
end

-- The oldest part that has to leave for the request to fit, and the newest that holds anything.
local function placesOf(s)
  local left = s.spent + s.reserved + s.a - s.l
  s.newest, s.needed = 0, 0
  for place = 0, s.last do
    local sum = s.sums[place] or 0
    if sum > 0 then
      s.newest = place
    end
    if left > 0 then
      left, s.needed = left - sum, place
    end
  end
end

local function levelOf(key, rate)
  local level, at = string.match(redis.call('GET', key) or '0:0', '^(%d+):(%d+)$')
  return math.max(0, tonumber(level) - math.max(0, now - tonumber(at)) * rate.l)
end

local special = ARGV[6] ~= '' and cjson.decode(ARGV[6]) or {}
local choices = ''
local function tell(i, s)
  local at = 2 * (counters + i)
  if s.r then
    s.spent, s.reserved = math.ceil(s.level / s.r.p), 0
  end
  answer[1 + at], answer[2 + at] = s.spent, s.reserved
  at = 2 * (counters + #special + i)
  if s.r then
    answer[1 + at], answer[2 + at] = s.level, s.skipped and -now or now
  else
    answer[1 + at], answer[2 + at] = s.newest or 0, s.needed or 0
  end
end
for i, s in ipairs(special) do
  local own = not s.v or mayHaveOwn(s)
  s.choice = (s.v or s.r) and (own and 'o' or 'd') or ''
  s.another = own and s.another
  s.key = KEYS[own and s.o or s.d]
  if s.r then
    s.level = levelOf(s.key, s.r)
  elseif s.w then
    sumOfParts(s)
  else
    local held = redis.call('HMGET', s.key, 'spent', 'reserved')
    s.spent, s.reserved = tonumber(held[1] or 0), tonumber(held[2] or 0)
  end
end
for i, s in ipairs(special) do
  if s.r then
    s.skipped = not first and not s.r.h and s.level + s.a * s.r.p > s.r.b * s.r.p
    s.choice = s.skipped and 'n' or s.choice
  elseif s.w then
    placesOf(s)
  end
  tell(i, s)
  if s.spent + s.reserved + s.a > s.l then
    answer[1] = 1
  end
  choices = choices .. s.choice
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

-- Values of a sorted set go when their score is behind what still counts.
local function keepOwn(s, score, expiresAt)
  redis.call('ZADD', KEYS[s.v], 'GT', string.format('%.0f', score), s.n)
  redis.call('ZREMRANGEBYSCORE', KEYS[s.v], '-inf', '(' .. s.from)
  if redis.call('PEXPIRETIME', KEYS[s.v]) < expiresAt then
    redis.call('PEXPIREAT', KEYS[s.v], string.format('%.0f', expiresAt))
  end
end

for i, s in ipairs(special) do
  if s.r and not s.skipped and s.a > 0 then
    s.level = s.level + s.a * s.r.p
    local emptyAt = now + math.ceil(s.level / s.r.l)
    redis.call('SET', s.key, string.format('%.0f:%.0f', s.level, now), 'PX', string.format('%.0f', emptyAt - now))
    if s.v and s.key == KEYS[s.o] then
      s.from = string.format('%.0f', now)
      keepOwn(s, emptyAt, emptyAt)
    end
  elseif not s.r then
    redis.call('HINCRBY', s.key, s.w and string.format('reserved:%.0f', s.w.s) or 'reserved', string.format('%.0f', s.a))
    s.reserved = s.reserved + s.a
    if s.w and s.a > 0 then
      s.newest = math.max(s.newest, s.w.n)
    end
    if s.w and s.new and #s.stale > 0 then
      redis.call('HDEL', s.key, unpack(s.stale))
    end
    if s.e > 0 and (not s.w or s.new) and redis.call('PEXPIRETIME', s.key) < s.e then
      redis.call('PEXPIREAT', s.key, string.format('%.0f', s.e))
    end
    if s.another and s.w then
      keepOwn(s, s.w.s, s.e)
    elseif s.another then
      redis.call('INCR', KEYS[s.v])
      redis.call('PEXPIREAT', KEYS[s.v], string.format('%.0f', s.e))
    end
  end
  tell(i, s)
end
redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[3]), id)
redis.call('HSET', KEYS[3], id, ARGV[4] .. (choices ~= '' and ';' .. choices or '') .. ':' .. ARGV[5])
return answer
