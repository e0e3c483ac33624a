--[[
  Answers what it is told, for the tests of the connection.

  Input:
    KEYS[1]  a key that is neither read nor written
    ARGV[1]  the text to answer; 'refuse' is answered by an error

  Output:
    the text
]]
if ARGV[1] == 'refuse' then
  return redis.error_reply('NO I do not')
end
return ARGV[1]
