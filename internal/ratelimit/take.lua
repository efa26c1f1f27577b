-- Takes one request of a key's quota, as Quota.take does, by Redis's clock: all
-- servers have the same. Times are whole microseconds.
--
--   KEYS[1]  when the key will have its whole quota again
--   ARGV[1]  the time in which one request comes back
--   ARGV[2]  the longest debt
--
-- Returns 1 if it was taken, else 0, and the debt then.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, most = tonumber(ARGV[1]), tonumber(ARGV[2])

local full = tonumber(redis.call('GET', KEYS[1]) or '') or now
local debt = math.min(math.max(full - now, 0), most)
if debt + interval > most then
  return {0, debt}
end
debt = debt + interval
redis.call('SET', KEYS[1], string.format('%.0f', now + debt), 'PX', math.ceil(debt / 1000))
return {1, debt}
