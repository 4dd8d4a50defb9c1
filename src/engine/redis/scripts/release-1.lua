-- Unbinds an id from a user.  KEYS 1 owner of the id  ARGV 1 user
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
