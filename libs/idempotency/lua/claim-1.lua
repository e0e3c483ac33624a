--[[
  Claims an idempotency key for one attempt at a request, or returns the state of an earlier attempt.

  Input:
    KEYS[1]  the key: a hash of fingerprint, owner and claimed_at, and of response once the request is complete
    ARGV[1]  the fingerprint of the request
    ARGV[2]  the owner token of this attempt
    ARGV[3]  milliseconds until the claim expires, unless renew-1.lua renews it
    ARGV[4]  the owner token of a cached response that must not be used (damaged, or not confirmed by the ledger), or ''

  Output, a list that begins with:
    'new'        the key is claimed for this attempt
    'mismatch'   the key belongs to another request, complete or not
    'in_flight'  another attempt holds the claim; followed by the milliseconds since it claimed the key
    'cached'     the request is complete; followed by the owner token and the bytes of its response
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.pcall('HMGET', KEYS[1], 'fingerprint', 'owner', 'claimed_at', 'response')

if not found.err and found[1] and found[2] and found[3] and found[2] ~= ARGV[4] then
  -- Checked first: a mismatch is reported even while the other request is in progress.
  if found[1] ~= ARGV[1] then
    return { 'mismatch' }
  end
  if found[4] then
    return { 'cached', found[2], found[4] }
  end
  return { 'in_flight', now - found[3] }
end

-- The key does not exist, or holds something that this script did not write.
redis.call('DEL', KEYS[1])
-- Lua's default number format drops the last digits of a timestamp.
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'owner', ARGV[2], 'claimed_at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return { 'new' }
