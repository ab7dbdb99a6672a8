-- The states of queues: for each one length, time to live, time of the last append or -1, items in
-- flight.
--
-- KEYS  times of appends (hash), then for each queue the list and its leases (sorted set)
-- ARGV  for each queue its name and the stem of the names of its in-flight lists
local states = {}
for i = 2, #KEYS, 2 do
  local queue, leases, name, stem = KEYS[i], KEYS[i + 1], ARGV[i - 1], ARGV[i]
  local in_flight = 0
  for _, id in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
    in_flight = in_flight + redis.call('LLEN', stem .. id)
  end
  local at = tonumber(redis.call('HGET', KEYS[1], name) or '') or -1
  states[#states + 1] = { redis.call('LLEN', queue), redis.call('TTL', queue), at, in_flight }
end
return states
