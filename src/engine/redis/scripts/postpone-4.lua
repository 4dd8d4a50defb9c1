-- Nothing was to be done with the job yet, as it was at a version: sets when something will be.
--
-- ARGV  5 job  6 version  7 deadline (ms; '': none)
local jobId = ARGV[5]
if (redis.call('HGET', jobKey(jobId), 'v') or '0') ~= ARGV[6] then return 0 end
if ARGV[7] == '' then return redis.call('ZREM', due, dueMember(jobId)) end
return redis.call('ZADD', due, ARGV[7], dueMember(jobId))
