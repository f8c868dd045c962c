-- KEYS[1] the entry. KEYS[2] the group's vector set. KEYS[3] the scope's entries by expiry. KEYS[4] tells lookups which entry
-- has its signature; the same as KEYS[1] where agreement compares none.
-- ARGV: 1 group, 2 text signature, 3 prefix of entries, 4 prefix of vector sets, 5 prefix of signatures, 6 time to live in
-- ms, 7 most entries, 8 vector (FP32; empty: none is kept), 9 answer, 10 facts, 11 the signature that agreement compares
-- (may be empty).
-- Returns {entries evicted for room, expired entries cleaned up, members without an entry removed}.
local group, text, ttl, most = ARGV[1], ARGV[2], tonumber(ARGV[6]), tonumber(ARGV[7])
local hasVector = ARGV[8] ~= ''
-- The clean-up of one call is bounded; each call adds one entry, so several a call catch up.
local cleanedMax, sampled, sampledEvery = 8, 4, 8
local clock = redis.call('TIME')
-- Microseconds, so that no two entries are of the same age.
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])

local function keepFor(key)
  if redis.call('PTTL', key) < ttl then redis.call('PEXPIRE', key, ttl) end
end

-- Each fill writes all fields, so nothing of an older entry stays.
redis.call('HSET', KEYS[1], 'answer', ARGV[9], 'facts', ARGV[10], 'signature', ARGV[11])
redis.call('PEXPIRE', KEYS[1], ttl)
redis.call('ZADD', KEYS[3], string.format('%.0f', now + ttl * 1000), group .. ':' .. text)
keepFor(KEYS[3])
-- `content` is led to the newest entry. `facts` asks whether there is any, so the one that expires last is named.
if KEYS[4] ~= KEYS[1] and (not hasVector or redis.call('PTTL', KEYS[4]) <= ttl) then
  redis.call('SET', KEYS[4], text, 'PX', ttl)
end

local orphans = 0
if hasVector then
  -- The defaults (200 and 16) cost 389 us of Redis's one thread an entry, these about 70; searches are rare and look
  -- harder instead (4,000 questions that differ in a number). What is not found costs a call, never a wrong answer.
  redis.call('VADD', KEYS[2], 'FP32', ARGV[8], text, 'NOQUANT', 'EF', 16, 'M', 8)
  keepFor(KEYS[2])
  -- What the server itself evicted, an entry or the list of them, leaves members behind that no bound counts: a few members
  -- are looked after every few calls.
  local picked = tonumber(clock[2]) % sampledEvery == 0 and redis.call('VRANDMEMBER', KEYS[2], sampled) or {}
  for _, member in ipairs(picked) do
    local name = group .. ':' .. member
    if redis.call('EXISTS', ARGV[3] .. name) == 0 or not redis.call('ZSCORE', KEYS[3], name) then
      orphans = orphans + redis.call('VREM', KEYS[2], member)
    end
  end
end

local evicted, expired = 0, 0
local above = redis.call('ZCARD', KEYS[3]) - most
for _ = 1, cleanedMax do
  -- Above the bound the first goes in any case, else only when its time is over.
  local first
  if above > 0 then
    first = redis.call('ZPOPMIN', KEYS[3])
  else
    first = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
    if tonumber(first[2]) > now then break end
    redis.call('ZREM', KEYS[3], first[1])
  end
  above = above - 1
  local isOver = tonumber(first[2]) <= now
  if isOver then expired = expired + 1 else evicted = evicted + 1 end
  local firstGroup, firstText = string.match(first[1], '^([^:]*):(.*)$')
  local entry = ARGV[3] .. first[1]
  local signature = redis.call('HGET', entry, 'signature')
  local key = signature and ARGV[5] .. firstGroup .. ':' .. signature
  -- Another entry may have the signature by now.
  if key and redis.call('GET', key) == firstText then redis.call('UNLINK', entry, key) else redis.call('UNLINK', entry) end
  if hasVector then redis.call('VREM', ARGV[4] .. firstGroup, firstText) end
  -- They are in order: where this one's time was not over, no other's is.
  if not isOver and above <= 0 then break end
end
return { evicted, expired, orphans }
