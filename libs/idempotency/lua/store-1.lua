--[[
  Caches the response of a complete request, if its attempt still holds the claim.

  Input:
    KEYS[1]  the key
    ARGV[1]  the owner token of this attempt
    ARGV[2]  the bytes of the response
    ARGV[3]  milliseconds for which the response is cached

  Output:
    1  cached
    0  the claim has expired, or another attempt holds it
]]
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'response', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
