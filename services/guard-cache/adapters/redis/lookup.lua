-- KEYS[1] the entry of the exact text. KEYS[2] the group's vector set. KEYS[3] there while an entry has the signature.
-- ARGV: 1 vector (FP32; empty: exact only), 2 least score, 3 field of the signature to compare (empty: none),
-- 4 that signature, 5 candidates, 6 the prefix that makes a member of the set an entry's key.
-- Returns {answer, facts, score}, or {} for a miss.
local exact = redis.call('HMGET', KEYS[1], 'answer', 'facts')
if exact[1] then return { exact[1], exact[2], '1' } end
if ARGV[1] == '' then return {} end
-- Nobody agrees, so nobody need be near: most misses end here, and a search costs a hundred times as much.
if ARGV[3] ~= '' and redis.call('EXISTS', KEYS[3]) == 0 then return {} end

local near = redis.call('VSIM', KEYS[2], 'FP32', ARGV[1], 'WITHSCORES', 'COUNT', ARGV[5], 'EF', 200)
for i = 1, #near, 2 do
  if tonumber(near[i + 1]) < tonumber(ARGV[2]) then break end
  local key = ARGV[6] .. near[i]
  local signature = ''
  if ARGV[3] ~= '' then signature = redis.call('HGET', key, ARGV[3]) end
  if signature == false or redis.call('EXISTS', key) == 0 then
    -- Expired or evicted: it must not stand in the way of others.
    redis.call('VREM', KEYS[2], near[i])
  elseif signature == ARGV[4] then
    local kept = redis.call('HMGET', key, 'answer', 'facts')
    return { kept[1], kept[2], near[i + 1] }
  end
end
return {}
