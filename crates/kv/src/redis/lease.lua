-- Sets the deadline of a batch that is in flight.
--
-- KEYS  leases (sorted set)
-- ARGV  batch id, deadline in milliseconds
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return 0
end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
return 1
