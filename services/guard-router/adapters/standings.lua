-- What is known of some targets, for a request that no turn decides. Redis 7.2 commands only.
-- KEYS[1] hash of suspensions: <target> = until ms, <target>|probe = probed until ms
-- ARGV[1] now ms; ARGV[2] a probe's bound ms; ARGV[3..] targets in the order in which they are wanted
-- Answers probe (1 = this request probes the first that may be used), then until and probed-until of each target.
local now = tonumber(ARGV[1])
local count = #ARGV - 2
local fields = {}
for i = 1, count do
  fields[i] = ARGV[i + 2]
  fields[count + i] = ARGV[i + 2] .. '|probe'
end
local values = redis.call('HMGET', KEYS[1], unpack(fields))
local probe = 0
for i = 1, count do
  local untilMs = tonumber(values[i] or '0')
  if untilMs == 0 then break end
  if untilMs <= now and tonumber(values[count + i] or '0') <= now then
    probe = 1
    redis.call('HSET', KEYS[1], fields[count + i], now + tonumber(ARGV[2]))
    break
  end
end
local answer = { probe }
for i = 1, count * 2 do answer[i + 1] = tonumber(values[i] or '0') end
return answer
