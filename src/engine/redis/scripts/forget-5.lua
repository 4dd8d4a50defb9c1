-- Forgets everything of a user, and moves the numbers on: every id given before is from before they begin.
--
-- KEYS 5 what the user owns  ARGV 5 channel
-- Gives the jobs there were, and what is owned: for the asker to release, and then to delete that key.
local all = redis.call('ZRANGE', jobs, 0, -1)
for _, jobId in ipairs(all) do drop(jobId) end
local owned = redis.call('ZRANGE', KEYS[5], 0, -1)
local head = math.max(firstNumber(), tonumber(redis.call('HGET', user, 'head') or 0)) + 1
redis.call('UNLINK', user)
redis.call('HSET', user, 'start', text(head), 'head', text(head))
keep(user)
redis.call('SPUBLISH', ARGV[5], 'gap')
return {all, owned}
