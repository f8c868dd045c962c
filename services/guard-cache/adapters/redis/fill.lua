-- KEYS[1] the entry. KEYS[2] the group's vector set. KEYS[3] the scope's entries by expiry. KEYS[4] tells lookups that an
-- entry has its signature, and which one was the last; the same as KEYS[1] where agreement compares none.
-- ARGV: 1 group, 2 text signature, 3 prefix of entries, 4 prefix of vector sets, 5 time to live in ms, 6 most entries,
-- 7 vector (FP32; empty: none is kept), 8 answer, 9 facts, 10 the signature that agreement compares (may be empty),
-- 11 prefix that makes it a key in the same group.
-- Returns {entries evicted for room, expired entries cleaned up, members without an entry removed}.
local group, text, ttl, most = ARGV[1], ARGV[2], tonumber(ARGV[5]), tonumber(ARGV[6])
local hasVector = ARGV[7] ~= ''
-- The clean-up of one call is bounded; each call adds one entry, so several a call catch up.
local cleanedMax, sampled, sampledEvery = 8, 4, 8
local clock = redis.call('TIME')
-- Microseconds, so that no two entries are of the same age.
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])

local function keepFor(key)
  if redis.call('PTTL', key) < ttl then redis.call('PEXPIRE', key, ttl) end
end

redis.call('HSET', KEYS[1], 'answer', ARGV[8], 'facts', ARGV[9], 'signature', ARGV[10], 'mark', ARGV[11] .. ARGV[10])
redis.call('PEXPIRE', KEYS[1], ttl)
redis.call('ZADD', KEYS[3], string.format('%.0f', now + ttl * 1000), group .. ':' .. text)
keepFor(KEYS[3])
if KEYS[4] ~= KEYS[1] then redis.call('SET', KEYS[4], text, 'PX', ttl) end

local orphans = 0
if hasVector then
  -- The defaults (200 and 16) cost 389 us of Redis's one thread an entry, these about 70; searches are rare and look
  -- harder instead (4,000 questions that differ in a number). What is not found costs a call, never a wrong answer.
  redis.call('VADD', KEYS[2], 'FP32', ARGV[7], text, 'NOQUANT', 'EF', 16, 'M', 8)
  keepFor(KEYS[2])
  -- Entries that the server evicted are known to nobody: a few members are looked after every few calls.
  local picked = tonumber(clock[2]) % sampledEvery == 0 and redis.call('VRANDMEMBER', KEYS[2], sampled) or {}
  for _, member in ipairs(picked) do
    if redis.call('EXISTS', ARGV[3] .. group .. ':' .. member) == 0 or redis.call('VCARD', KEYS[2]) > most then
      if member ~= text then orphans = orphans + redis.call('VREM', KEYS[2], member) end
    end
  end
end

local evicted, expired = 0, 0
for _ = 1, cleanedMax do
  local first = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
  local isOver = tonumber(first[2]) <= now
  if not isOver and redis.call('ZCARD', KEYS[3]) <= most then break end
  local firstGroup, firstText = string.match(first[1], '^([^:]*):(.*)$')
  redis.call('ZREM', KEYS[3], first[1])
  local mark = not isOver and redis.call('HGET', ARGV[3] .. first[1], 'mark')
  if mark and mark ~= '' and redis.call('GET', mark) == firstText then redis.call('UNLINK', mark) end
  redis.call('UNLINK', ARGV[3] .. first[1])
  if hasVector then redis.call('VREM', ARGV[4] .. firstGroup, firstText) end
  if isOver then expired = expired + 1 else evicted = evicted + 1 end
end
return { evicted, expired, orphans }
