--[[
  Charges a request to the rate limit buckets of a client. rate.bucket.ts defines the arithmetic; its LocalBuckets does the same
  without Redis.

  Input:
    KEYS[1]  a hash per client: for each unit, the time at which its bucket is empty
    ARGV[1]  'consume': charge all buckets if the cost fits into each of them, else none
             'adjust': charge all buckets even if the cost does not fit (a debt), or refund a negative cost
    then three for each bucket: its unit, the cost, the size of the bucket

  Output, two for each bucket:
    the time until the cost fits, 0 if it did
    the time until the bucket is empty

  All times are in microseconds, by the clock of Redis.
]]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local may_reject = ARGV[1] == 'consume'
local levels, states, rejected = {}, {}, false

for i = 2, #ARGV, 3 do
  local cost, size = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local level = math.max(0, (redis.call('HGET', KEYS[1], ARGV[i]) or 0) - now)
  -- A cost larger than the bucket fits when the bucket is empty.
  local wait = may_reject and math.max(0, level + math.min(cost, size) - size) or 0
  rejected = rejected or wait > 0
  levels[i] = level
  states[#states + 1] = wait
  states[#states + 1] = level
end
if rejected then
  return states
end

local longest = 0
for i = 2, #ARGV, 3 do
  local level = math.max(0, levels[i] + ARGV[i + 1])
  -- Lua's default number format drops the last digits of a timestamp.
  redis.call('HSET', KEYS[1], ARGV[i], string.format('%.0f', now + level))
  states[(i + 1) / 3 * 2] = level -- the second result of this bucket
  longest = math.max(longest, level)
end
-- The key can expire when all its buckets are empty, including those not charged now.
local ttl = math.ceil(longest / 1000)
if ttl > redis.call('PTTL', KEYS[1]) then
  redis.call('PEXPIRE', KEYS[1], ttl)
end
return states
