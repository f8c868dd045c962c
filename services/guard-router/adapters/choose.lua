-- The choice of a target, in one step, for every rotation that is more than plain turns (turn.lua). Redis 7.2 commands only.
-- KEYS[1] last position used, of mode weighted a hash of what each has gained; KEYS[2] hash of suspensions, as in turn.lua;
-- KEYS[3] hash of rates: <target>|rpm, <target>|tpm = when all that was let pass has flowed back, ms (GCRA);
-- KEYS[4] hash of what prompt caches prefer: <slot> = <target>@<ms>; KEYS[5] hash of latencies: <target> = <ms>@<since ms>;
-- KEYS[6..], of mode busy, and of bound where others go by load: a sorted set of requests in flight a target, by when they are
-- forgotten
-- ARGV[1] now ms; ARGV[2] a probe's bound ms; ARGV[3] ranked | weighted | busy | latency | named | bound | bound-named; ARGV[4] how
-- many targets, of bound in the order in which they are wanted;
-- ARGV[5] request id; ARGV[6] slot of the prompt cache, empty = none; ARGV[7] how long it prefers, ms; ARGV[8] tokens;
-- ARGV[9] how long a request in flight counts unless told of again, ms; ARGV[10], ARGV[11] two draws from 0 to below 1;
-- ARGV[12] 1 = there are rates; then the targets in the order of the list; of ranked and weighted: a rank or weight each;
-- of rates: rpm each, tpm each, 0 = none
-- Answers position (-1 = none), probe (0 or 1), then of each target: until, probed-until, when there is room (0 = now), load.
local now, mode, count, tokens = tonumber(ARGV[1]), ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[8])
local slot, limited = ARGV[6], ARGV[12] == '1'
local head = 12
local given = head + count
local rates = given
if mode == 'ranked' or mode == 'weighted' then rates = given + count end
local day = 86400

local untilMs, probedMs, roomAt, load, open = {}, {}, {}, {}, {}
local fields, values = {}, {}
for i = 1, count do
  fields[i] = ARGV[head + i]
  fields[count + i] = ARGV[head + i] .. '|probe'
end
-- A model that is asked for by name is called whatever its failures were.
local bound = mode == 'bound' or mode == 'bound-named'
if mode ~= 'named' and mode ~= 'bound-named' then values = redis.call('HMGET', KEYS[2], unpack(fields)) end

-- When so many units fit into what flows back evenly; a sixth of a minute's may come at once, or one request in any case.
local function roomFor(spentMs, units, perMinute)
  if perMinute == 0 then return 0 end
  local burst = math.max(1, perMinute / 6)
  return tonumber(spentMs or '0') - (burst - math.min(units, burst)) * 60000 / perMinute
end
local function spend(field, spentMs, units, perMinute)
  if perMinute == 0 then return end
  local next = math.max(tonumber(spentMs or '0'), now) + math.min(units, perMinute) * 60000 / perMinute
  -- The provider forgets after a minute what it turned away, so what goes to a full target is no debt beyond that.
  if bound then next = math.max(tonumber(spentMs or '0'), math.min(next, now + 60000)) end
  redis.call('HSET', KEYS[3], field, string.format('%.4f', next))
end
local spent, names = {}, {}
if limited then
  for i = 1, count do
    names[i] = ARGV[head + i] .. '|rpm'
    names[count + i] = ARGV[head + i] .. '|tpm'
  end
  spent = redis.call('HMGET', KEYS[3], unpack(names))
end
local function quota(i) return tonumber(ARGV[rates + i]), tonumber(ARGV[rates + count + i]) end

for i = 1, count do
  untilMs[i] = tonumber(values[i] or '0')
  probedMs[i] = tonumber(values[count + i] or '0')
  roomAt[i], load[i] = 0, 0
  if limited then
    local rpm, tpm = quota(i)
    local at = math.max(roomFor(spent[i], 1, rpm), roomFor(spent[count + i], tokens, tpm))
    if at > now then roomAt[i] = math.ceil(at) end
  end
  local usable = untilMs[i] == 0 or (untilMs[i] <= now and probedMs[i] <= now)
  -- What is kept there can be had nowhere else: a full target is called all the same, and counts it.
  open[i] = usable and (bound or roomAt[i] == 0)
end

-- The lowest rank; among equal ones the next after the last.
local function byRank(rankOf)
  local last = tonumber(redis.call('GET', KEYS[1]) or '-1')
  local best
  for step = 1, count do
    local i = (last + step) % count + 1
    if open[i] and (not best or rankOf(i) < rankOf(best)) then best = i end
  end
  if best then redis.call('SET', KEYS[1], best - 1, 'EX', day) end
  return best
end

-- domain/smooth.ts
local function byWeight()
  local gained = redis.call('HMGET', KEYS[1], unpack(fields, 1, count))
  local total, best, changed = 0, nil, {}
  for i = 1, count do
    gained[i] = tonumber(gained[i] or '0')
    if open[i] then
      local weight = tonumber(ARGV[given + i])
      gained[i] = gained[i] + weight
      total = total + weight
      if not best or gained[i] > gained[best] then best = i end
    end
  end
  if not best then return nil end
  gained[best] = gained[best] - total
  for i = 1, count do
    changed[2 * i - 1] = fields[i]
    changed[2 * i] = gained[i]
  end
  redis.call('HSET', KEYS[1], unpack(changed))
  redis.call('EXPIRE', KEYS[1], day)
  return best
end

-- The first with room, else the first.
local function asWanted()
  local best
  for i = count, 1, -1 do
    if open[i] and (not best or roomAt[i] == 0 or roomAt[best] > 0) then best = i end
  end
  return best
end

-- What a target was measured at fades while nobody tries it, so that a slow one is tried again: by a tenth in 1 s, to a
-- tenth in 23 s. Trying it takes the fading back until its measure comes.
local measured = {}
local function fadedOf(i)
  if not measured[i] then return nil end
  local value, since = measured[i]:match('^(.*)@(.*)$')
  return tonumber(value) * math.exp(-math.max(0, now - tonumber(since)) / 10000)
end
-- The faster of two that were drawn. What nobody knows is taken to be as fast as the other.
local function byLatency()
  local usable = {}
  for i = 1, count do if open[i] then usable[#usable + 1] = i end end
  if #usable == 0 then return nil end
  local first = math.floor(tonumber(ARGV[10]) * #usable)
  local one = usable[first + 1]
  if #usable == 1 then return one end
  local other = usable[(first + 1 + math.floor(tonumber(ARGV[11]) * (#usable - 1))) % #usable + 1]
  local a, b = fadedOf(one), fadedOf(other)
  if a and b and b < a then return other end
  return one
end

if mode == 'busy' then
  for i = 1, count do
    redis.call('ZREMRANGEBYSCORE', KEYS[5 + i], '-inf', now)
    load[i] = redis.call('ZCARD', KEYS[5 + i])
  end
elseif mode == 'latency' then
  measured = redis.call('HMGET', KEYS[5], unpack(fields, 1, count))
  for i = 1, count do
    local value = measured[i] and measured[i]:match('^(.*)@')
    load[i] = value and math.ceil(tonumber(value)) or -1
  end
end

-- The target of the last request with the same prompt cache, where it can be had: it takes nobody's turn.
local chosen
if slot ~= '' then
  local target, at = (redis.call('HGET', KEYS[4], slot) or ''):match('^(.*)@(%d+)$')
  if target and now - tonumber(at) < tonumber(ARGV[7]) then
    for i = 1, count do if fields[i] == target and open[i] and untilMs[i] == 0 then chosen = i end end
  end
end
if not chosen then
  if mode == 'weighted' then chosen = byWeight()
  elseif mode == 'latency' then chosen = byLatency()
  elseif mode == 'busy' then chosen = byRank(function(i) return load[i] end)
  elseif mode == 'ranked' then chosen = byRank(function(i) return tonumber(ARGV[given + i]) end)
  elseif bound then chosen = asWanted()
  elseif open[1] then chosen = 1 end
end

local probe = 0
if chosen then
  if untilMs[chosen] ~= 0 then
    probe = 1
    redis.call('HSET', KEYS[2], fields[count + chosen], now + tonumber(ARGV[2]))
  end
  if limited then
    local rpm, tpm = quota(chosen)
    spend(names[chosen], spent[chosen], 1, rpm)
    spend(names[count + chosen], spent[count + chosen], tokens, tpm)
    redis.call('EXPIRE', KEYS[3], day)
  end
  if slot ~= '' then
    redis.call('HSET', KEYS[4], slot, fields[chosen] .. '@' .. now)
    redis.call('PEXPIRE', KEYS[4], ARGV[7])
  end
  if #KEYS > 5 then
    redis.call('ZADD', KEYS[5 + chosen], now + tonumber(ARGV[9]), ARGV[5])
    redis.call('PEXPIRE', KEYS[5 + chosen], 2 * tonumber(ARGV[9]))
  elseif mode == 'latency' and measured[chosen] then
    redis.call('HSET', KEYS[5], fields[chosen], measured[chosen]:match('^(.*)@') .. '@' .. now)
  end
end

local answer = { (chosen or 0) - 1, probe }
for i = 1, count do
  answer[2 + i] = untilMs[i]
  answer[2 + count + i] = probedMs[i]
  answer[2 + 2 * count + i] = roomAt[i]
  answer[2 + 3 * count + i] = load[i]
end
return answer
