--[[
  Renews the lease of a claim whose attempt is still running.

  Input:
    KEYS[1]  the key
    ARGV[1]  the owner token of this attempt
    ARGV[2]  milliseconds until the claim expires

  Output:
    1  renewed
    0  the claim has expired, another attempt holds it, or the response is cached
]]
local found = redis.call('HMGET', KEYS[1], 'owner', 'response')
if found[1] ~= ARGV[1] or found[2] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
