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
    an error if Redis rejects the response, for example because it is full; the claim is then released
]]
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then
  return 0
end
local stored = redis.pcall('HSET', KEYS[1], 'response', ARGV[2])
if type(stored) == 'table' and stored.err then
  -- A full Redis rejects no deletion. A claim that remained would block the retry until its lease ends.
  redis.call('DEL', KEYS[1])
  return stored
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
