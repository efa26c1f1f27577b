-- Keeps a position, unless a later one is kept.
--
--   KEYS[1]  whose it is
--   ARGV[1]  the position, in as many digits as the largest has: comparing texts
--            is comparing numbers then, which Lua could not hold
--   ARGV[2]  for how long, in milliseconds
local kept = redis.call('GET', KEYS[1])
if kept and kept > ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
