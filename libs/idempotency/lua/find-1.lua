--[[
  Looks up whether an attempt holds the claim of an idempotency key. Changes nothing.

  Input:
    KEYS[1]  the key

  Output:
    1  an attempt is running
    0  there is no claim: it has expired, was released, or the response is cached
]]
local found = redis.pcall('HMGET', KEYS[1], 'owner', 'response')
if not found.err and found[1] and not found[2] then
  return 1
end
return 0
