-- Jobs of a bucket that nobody looks after in time: gives some, and lends them to the asker for a while.
--
-- KEYS 1 due  ARGV 1 due until (ms)  2 lent until (ms)  3 at most so many
local members = redis.call('ZRANGE', KEYS[1], '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[3])
for _, member in ipairs(members) do redis.call('ZADD', KEYS[1], ARGV[2], member) end
return members
