--[[
  Returns its argument, for the tests of the connection.

  Input:
    KEYS[1]  a key that is neither read nor written
    ARGV[1]  the text to return; 'fail' returns an error

  Output:
    the text
]]
if ARGV[1] == 'fail' then
  return redis.error_reply('ERR rejected')
end
return ARGV[1]
