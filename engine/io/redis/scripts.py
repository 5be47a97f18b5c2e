"""What Redis does for us in one step each (Lua), so that a batch is one command and has one moment."""

#: Keeps a batch of prices and tells who listens. Keys: the instruments' hashes. Arguments: when it was sent
#: (ms of Redis' clock), channel, head of the message, seconds to live, then of each tick, at_ms, ltp_paise.
#: A batch that comes late is not taken: after a standstill old prices would pass for new ones.
#: Answers: Redis' clock (ms), 1 = taken, why prices could not be kept (listeners got them all the same).
KEEP = """
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
if math.abs(now - tonumber(ARGV[1])) > 1000 then return {now, 0, ''} end
local parts, fault = {ARGV[3]}, ''
for i, key in ipairs(KEYS) do
  local at = 3 * i + 2
  local done = redis.pcall('HSET', key, 'tick', ARGV[at], 'at_ms', ARGV[at + 1], 'ltp_paise', ARGV[at + 2])
  if type(done) == 'table' and done.err then fault = done.err else redis.call('EXPIRE', key, ARGV[4]) end
  parts[#parts + 1] = ARGV[at]
end
redis.call('PUBLISH', ARGV[2], table.concat(parts))
return {now, 1, fault}
"""

#: Reads packed ticks. Keys: the instruments' hashes. Answers: Redis' clock (ms), then each tick or ''.
READ = """
local now = redis.call('TIME')
local found = {now[1] * 1000 + math.floor(now[2] / 1000)}
for i, key in ipairs(KEYS) do found[i + 1] = redis.call('HGET', key, 'tick') or '' end
return found
"""

#: What a process says of itself, and the instruments it wants. Keys: the process, the wishes. Arguments: its
#: seconds to live, seconds a wish holds, how many fields follow, name and value of each, then the wishes.
#: Answers: Redis' clock (ms), then all wishes that hold. A script that has removed something may write though
#: Redis is full, so what lapses goes first: these few bytes are what keeps the prices coming.
SAY = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local fields = tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 1000 * ARGV[2])
redis.call('HSET', KEYS[1], 'at_ms', now, unpack(ARGV, 4, 3 + 2 * fields))
redis.call('EXPIRE', KEYS[1], ARGV[1])
for i = 4 + 2 * fields, #ARGV do redis.call('ZADD', KEYS[2], now, ARGV[i]) end
redis.call('EXPIRE', KEYS[2], ARGV[2])
local answer = redis.call('ZRANGE', KEYS[2], 0, -1)
table.insert(answer, 1, now)
return answer
"""
