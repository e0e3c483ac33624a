--[[
  Claims an idempotency key for one request, or says what became of an earlier one.

  Input:
    KEYS[1]  the key: a hash of fingerprint, owner and ttl, and of answer once the request has finished
    ARGV[1]  the fingerprint of the request
    ARGV[2]  the owner token of this attempt
    ARGV[3]  milliseconds until the claim ends by itself: what is left of the request's deadline
    ARGV[4]  the owner token of a kept answer that is not to be used (damaged, or not proven by the ledger), or ''

  Output, a list that begins with:
    'new'        the key is claimed for this attempt
    'mismatch'   the key stands for another request, finished or not
    'in_flight'  another attempt holds the claim; then the milliseconds it has left, and those it began with
    'response'     the request has finished; then the owner token and the bytes of its response
]]
local found = redis.pcall('HMGET', KEYS[1], 'fingerprint', 'owner', 'ttl', 'response')

if not found.err and found[1] and found[2] and found[3] and found[2] ~= ARGV[4] then
  -- Before anything else: also while the other request is still running.
  if found[1] ~= ARGV[1] then
    return { 'mismatch' }
  end
  if found[4] then
    return { 'response', found[2], found[4] }
  end
  return { 'in_flight', redis.call('PTTL', KEYS[1]), tonumber(found[3]) }
end

-- Nothing there, or nothing that a claim ever wrote.
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'owner', ARGV[2], 'ttl', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return { 'new' }
