-- Numbers and keeps a change of one job, if it is still what the change was made from, and tells who listens.
--
-- KEYS 5 the job  6 its log: named, so that a node that has not all of them while a slot moves refuses before it writes
-- ARGV  5 job  6 expected version  7 most jobs of a user  8 channel  9 deadline (ms; '': none)  10 'whole', or 'part':
--       an earlier deadline stands  11 when it ended (ms; '': it has not)  12 count of messages  13 the messages
--       14 epoch in which the expected version was known  15 number of the job's own message  16 its record  then of
--       each photo: id, number of its start, of its newest message, its record
-- Numbers: one that was given before, or -k for the k-th message of this change.
-- A version is never given again, also where writes were lost: it is no less than the time, in ms x 1000.
-- Gives 'committed', epoch, number before the first, version, jobs that were forgotten
--    or 'conflict', epoch, the job since the expected version (false: it is gone); or 'no_room'.
local jobId, expected, channel = ARGV[5], tonumber(ARGV[6]), ARGV[8]
local key, log = KEYS[5], KEYS[6]
local era = epoch()
local gone = prune()

local version = tonumber(redis.call('HGET', key, 'v') or 0)
if version ~= expected then
  local since = version > expected and ARGV[14] == era and expected or 0
  return {'conflict', era, version > 0 and jobSince(jobId, since, false)}
end

if version == 0 and redis.call('ZCARD', jobs) >= tonumber(ARGV[7]) then
  local oldest = redis.call('ZRANGE', ended, 0, 0)[1]
  if not oldest then return {'no_room'} end
  drop(oldest)
  gone[#gone + 1] = oldest
end

local head = tonumber(redis.call('HGET', user, 'head'))
if not head then
  head = firstNumber()
  redis.call('HSET', user, 'start', text(firstStart(head)))
end
local function numbered(number)
  number = tonumber(number)
  return text(number < 0 and head - number or number)
end

local count = tonumber(ARGV[12])
local newest = count > 0 and head + count or tonumber(redis.call('HGET', key, 'n') or 0)
local isNew = version == 0
version = math.max(version + 1, math.floor(nowMs) * 1000)
redis.call('HSET', key, 'v', text(version), 'n', text(newest), 'r', numbered(ARGV[15]) .. ' ' .. ARGV[16])
if isNew then redis.call('HSET', key, 'b', text(head + 1)) end
for from = 17, #ARGV, 2000 do
  local fields, changes = {}, {}
  for at = from, math.min(from + 1999, #ARGV), 4 do
    fields[#fields + 1] = 'p' .. ARGV[at]
    fields[#fields + 1] = numbered(ARGV[at + 1]) .. ' ' .. numbered(ARGV[at + 2]) .. ' ' .. ARGV[at + 3]
    changes[#changes + 1] = text(version)
    changes[#changes + 1] = ARGV[at]
  end
  redis.call('HSET', key, unpack(fields))
  redis.call('ZADD', log, unpack(changes))
end
redis.call('ZADD', jobs, text(newest), jobId)
redis.call('HSET', user, 'head', text(head + count))

if ARGV[11] ~= '' then
  redis.call('HSET', key, 'e', ARGV[11])
  redis.call('ZADD', ended, ARGV[11], jobId)
  keep(key, log)
end
if redis.call('ZCARD', jobs) == redis.call('ZCARD', ended) then
  keep(user, jobs, ended)
elseif isNew then
  for _, one in ipairs({user, jobs, ended}) do redis.call('PERSIST', one) end
end

if ARGV[9] ~= '' and ARGV[10] == 'whole' then
  redis.call('ZADD', due, ARGV[9], dueMember(jobId))
elseif ARGV[9] ~= '' then
  redis.call('ZADD', due, 'LT', ARGV[9], dueMember(jobId))
elseif ARGV[10] == 'whole' then
  redis.call('ZREM', due, dueMember(jobId))
end

if count > 0 then redis.call('SPUBLISH', channel, era .. ' ' .. text(head) .. '\n' .. ARGV[13]) end
return {'committed', era, text(head), text(version), gone}
