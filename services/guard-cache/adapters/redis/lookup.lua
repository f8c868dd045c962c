-- KEYS[1] the entry of the exact text. KEYS[2] the group's vector set. KEYS[3] says which entry has the signature.
-- ARGV: 1 agreement, 2 the signature that it compares, 3 vector (FP32; empty: none), 4 least score, 5 candidates,
-- 6 the prefix that makes a member of the set, or what KEYS[3] says, an entry's key.
-- Returns {answer, facts, score, kind}, or {} for a miss.
local exact = redis.call('HMGET', KEYS[1], 'answer', 'facts')
if exact[1] then return { exact[1], exact[2], '1', 'exact' } end

-- The same canonical words are the same vector: whoever agrees lies at a cosine of 1, and needs no search.
if ARGV[1] == 'content' then
  local text = redis.call('GET', KEYS[3])
  if not text then return {} end
  local kept = redis.call('HMGET', ARGV[6] .. text, 'answer', 'facts')
  if not kept[1] then return {} end
  return { kept[1], kept[2], '1', 'semantic' }
end

if ARGV[3] == '' then return {} end
-- Where nobody agrees nobody need be near: a search costs a hundred times as much.
local isCompared = ARGV[1] == 'facts'
if isCompared and redis.call('EXISTS', KEYS[3]) == 0 then return {} end

local near = redis.call('VSIM', KEYS[2], 'FP32', ARGV[3], 'WITHSCORES', 'COUNT', ARGV[5], 'EF', 200)
for i = 1, #near, 2 do
  if tonumber(near[i + 1]) < tonumber(ARGV[4]) then break end
  local kept = redis.call('HMGET', ARGV[6] .. near[i], 'answer', 'facts', 'signature')
  if not kept[1] then
    -- Expired or evicted: it must not stand in the way of others.
    redis.call('VREM', KEYS[2], near[i])
  elseif not isCompared or kept[3] == ARGV[2] then
    return { kept[1], kept[2], near[i + 1], 'semantic' }
  end
end
return {}
