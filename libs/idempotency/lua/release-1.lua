--[[
  Releases the claim of an attempt without a response to cache, so that a retry can run at once.

  Input:
    KEYS[1]  the key
    ARGV[1]  the owner token of this attempt

  Output:
    1  released
    0  the claim has expired, or another attempt holds it
]]
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
