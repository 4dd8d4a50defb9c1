-- What every script of a user begins with. All keys carry the hash tag of the user's bucket.
--
-- user   hash    start, head, pruned: the user's numbers
-- jobs   zset    job -> number of its newest message
-- ended  zset    ended job -> when it ended (ms)
-- due    zset    of the whole bucket: user, newline, job -> when something is to be done with it (ms)
-- job    hash    v version, n newest number, b first number, e end (ms), r record; p<photo> a photo's record
-- log    zset    photo -> version of its newest change
local user, jobs, ended, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local prefix, userId, nowMs, retentionMs = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

-- Lua would write numbers of this size with an exponent.
local function text(number) return string.format('%.0f', number) end

-- Where the numbers of a user who has none begin: by the one clock that all commits and reads of the user go by, so that
-- nobody is told a number above those that come.
local function firstNumber()
  local time = redis.call('TIME')
  return time[1] * 1000000 + math.floor(time[2] / 1000) * 1000
end

-- Nothing was kept of the user for as long as this: whoever has an id from since then has missed nothing.
local function firstStart(head) return head - retentionMs * 1000 end

local function jobKey(jobId) return prefix .. 'job:' .. userId .. '\n' .. jobId end
local function logKey(jobId) return prefix .. 'log:' .. userId .. '\n' .. jobId end
local function dueMember(jobId) return userId .. '\n' .. jobId end

-- Whoever serves writes now: another one may lack what this one has numbered.
local function epoch()
  return 'r' .. string.sub(string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)'), 1, 12)
end

local function drop(jobId)
  local newest = tonumber(redis.call('ZSCORE', jobs, jobId) or 0)
  if newest > tonumber(redis.call('HGET', user, 'pruned') or 0) then
    -- Refused by a Redis that is full: then the job stays, since whoever missed its end could not tell.
    if type(redis.pcall('HSET', user, 'pruned', text(newest))) == 'table' then return false end
  end
  redis.call('UNLINK', jobKey(jobId), logKey(jobId))
  redis.call('ZREM', jobs, jobId)
  redis.call('ZREM', ended, jobId)
  redis.call('ZREM', due, dueMember(jobId))
  return true
end

-- Forgets what ended too long ago; gives the ids of those jobs.
local function prune()
  local old = redis.call('ZRANGEBYSCORE', ended, '-inf', text(nowMs - retentionMs), 'LIMIT', 0, 100)
  local gone = {}
  for _, jobId in ipairs(old) do
    if drop(jobId) then gone[#gone + 1] = jobId end
  end
  return gone
end

-- Keys go by themselves some time after nobody asks for the user any more.
local function keep(...)
  for _, key in ipairs({...}) do redis.call('PEXPIRE', key, text(retentionMs + 60000)) end
end

-- The job as it is: all of it, or (since > 0) the photos that changed after that version; bare: no photos at all.
local function jobSince(jobId, since, bare)
  local key, log = jobKey(jobId), logKey(jobId)
  local head = redis.call('HMGET', key, 'v', 'n', 'b', 'e', 'r')
  local photos = {}
  if not bare then
    local ids = redis.call('ZRANGE', log, '(' .. text(since), '+inf', 'BYSCORE')
    for from = 1, #ids, 1000 do
      local fields = {}
      for index = from, math.min(from + 999, #ids) do fields[#fields + 1] = 'p' .. ids[index] end
      for index, value in ipairs(redis.call('HMGET', key, unpack(fields))) do
        photos[#photos + 1] = ids[from + index - 1]
        photos[#photos + 1] = value
      end
    end
  end
  return {jobId, head[1], head[2], head[3], head[4] or '', head[5], bare and 'bare' or text(since), photos}
end
