-- Takes a report of upstream. KEYS[1] hash of suspensions
-- ARGV[1] target; ARGV[2] ok | suspend | suspect; ARGV[3] until ms; ARGV[4] now ms; ARGV[5] request id;
-- ARGV[6] how long a suspicion stands, ms; ARGV[7] 1 = it was the target's probe
-- Answers until when the target is suspended now, 0 = it is not.
local target, outcome = ARGV[1], ARGV[2]
local untilMs, now = tonumber(ARGV[3]), tonumber(ARGV[4])
local current = tonumber(redis.call('HGET', KEYS[1], target) or '0')
if outcome == 'ok' then
  -- A probe begins when a suspension has run out: one that runs again is newer than what this probe saw.
  if current > now then return current end
  redis.call('HDEL', KEYS[1], target, target .. '|probe', target .. '|suspect')
  return 0
end
if outcome == 'suspect' and ARGV[7] ~= '1' then
  local before = redis.call('HGET', KEYS[1], target .. '|suspect')
  local request, at
  if before then request, at = before:match('^(.*)@(%d+)$') end
  if not request or request == ARGV[5] or now - tonumber(at) > tonumber(ARGV[6]) then
    if not request or request ~= ARGV[5] then redis.call('HSET', KEYS[1], target .. '|suspect', ARGV[5] .. '@' .. now) end
    return current
  end
end
-- The later deadline wins: suspending again never shortens a cool-down.
if untilMs > current then
  redis.call('HSET', KEYS[1], target, untilMs)
  current = untilMs
end
redis.call('HDEL', KEYS[1], target .. '|probe', target .. '|suspect')
return current
