--[[
  Charges a client for a request if none of its limits is exceeded, else for nothing. What a limit is, and why all of this is
  time, is said in bucket.ts; local.buckets.ts does the same where there is no Redis.

  Input:
    KEYS[1]  the client: a hash of when each of its buckets will be empty, by the limit's name
    ARGV     three for each limit: its name, what is poured in (less than 0: taken out again), and how much the bucket holds

  Output, two for each limit:
    how long until its bucket has room for what was asked, 0 if it had
    how long until it is empty

  All in microseconds, by the clock of Redis.
]]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local filled, answer, refused = {}, {}, false

for i = 1, #ARGV, 3 do
  local cost, size = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  filled[i] = math.max(0, (redis.call('HGET', KEYS[1], ARGV[i]) or 0) - now)
  -- What is larger than the bucket needs all of it, and is then owed.
  local wait = cost > 0 and math.max(0, filled[i] + math.min(cost, size) - size) or 0
  refused = refused or wait > 0
  answer[#answer + 1] = wait
  answer[#answer + 1] = filled[i]
end
if refused then
  return answer
end

local longest = 0
for i = 1, #ARGV, 3 do
  local level = math.max(0, filled[i] + ARGV[i + 1])
  -- As it is printed by itself, a number of this size loses its last digits.
  redis.call('HSET', KEYS[1], ARGV[i], string.format('%.0f', now + level))
  answer[(i + 2) / 3 * 2] = level
  longest = math.max(longest, level)
end
-- A bucket that is empty need not be remembered. Another one of the client may take longer.
local ttl = math.ceil(longest / 1000)
if ttl > redis.call('PTTL', KEYS[1]) then
  redis.call('PEXPIRE', KEYS[1], ttl)
end
return answer
