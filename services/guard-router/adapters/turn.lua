-- The next turn of a rotation, in one step. Redis 7.2 commands only.
-- KEYS[1] last position used; KEYS[2] hash of suspensions: <target> = until ms, <target>|probe = probed until ms
-- ARGV[1] now ms; ARGV[2] a probe's bound ms; ARGV[3..] targets in the order of the list
-- Answers position (-1 = none), probe (0 or 1), then until and probed-until of each target. domain/order.ts decides the
-- rest from these, and the same way when Redis is away.
local now = tonumber(ARGV[1])
local count = #ARGV - 2
local fields = {}
for i = 1, count do
  fields[i] = ARGV[i + 2]
  fields[count + i] = ARGV[i + 2] .. '|probe'
end
local values = redis.call('HMGET', KEYS[2], unpack(fields))
local last = tonumber(redis.call('GET', KEYS[1]) or '-1')
local chosen, probe = -1, 0
for step = 1, count do
  local position = (last + step) % count
  local untilMs = tonumber(values[position + 1] or '0')
  if untilMs == 0 then
    chosen = position
    break
  elseif untilMs <= now and tonumber(values[count + position + 1] or '0') <= now then
    chosen, probe = position, 1
    redis.call('HSET', KEYS[2], fields[count + position + 1], now + tonumber(ARGV[2]))
    break
  end
end
if chosen >= 0 then redis.call('SET', KEYS[1], chosen) end
local answer = { chosen, probe }
for i = 1, count * 2 do answer[i + 2] = tonumber(values[i] or '0') end
return answer
