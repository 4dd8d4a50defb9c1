-- What is kept of a user at one moment, as far as the asker does not know it.
--
-- ARGV  5 jobs with messages after this number  6 this job alone ('': all)  7 photos only of jobs that have not ended
--       before this time (ms)  8 after so many photos no further job is given  then of each job that is known: its id,
--       its version (negative: without its photos), and in which epoch it was
-- Gives epoch, numbers (start, head, pruned, 1; where the user has none, those that would be given now, and 0), jobs that
-- were forgotten, 1 or (something was left out) 0, and of each job: its id and version, if the asker knows it, or all of
-- it.
local afterSeq, only, fromMs, most = ARGV[5], ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])
local known = {}
local era = epoch()
for at = 9, #ARGV, 3 do
  -- Of another epoch there may be what was lost since.
  if ARGV[at + 2] == era then known[ARGV[at]] = tonumber(ARGV[at + 1]) end
end
local gone = prune()

local wanted = {}
if only == '' then
  wanted = redis.call('ZRANGE', jobs, '(' .. afterSeq, '+inf', 'BYSCORE')
elseif redis.call('ZSCORE', jobs, only) then
  wanted = {only}
end

local given, photos, whole = {}, 0, 1
for _, jobId in ipairs(wanted) do
  local head = redis.call('HMGET', jobKey(jobId), 'v', 'e')
  local version = tonumber(head[1] or 0)
  local bare = head[2] and tonumber(head[2]) < fromMs
  local knows = known[jobId] or 0
  if version == 0 then
    drop(jobId)
    gone[#gone + 1] = jobId
  elseif knows == version or (bare and knows == -version) then
    given[#given + 1] = {jobId, text(version)}
  elseif photos >= most then
    whole = 0
  else
    local job = jobSince(jobId, not bare and knows > 0 and knows < version and knows or 0, bare)
    photos = photos + #job[8] / 2
    given[#given + 1] = job
  end
end

local numbers = redis.call('HMGET', user, 'start', 'head', 'pruned')
local head = numbers[2] or text(firstNumber())
return {era, {numbers[1] or text(firstStart(head)), head, numbers[3] or '0', numbers[2] and 1 or 0}, gone, whole, given}
