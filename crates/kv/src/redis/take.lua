-- Takes a batch: one that is due again, else the oldest items as a new one.
--
-- KEYS  queue (list), leases (sorted set), in-flight list of the new batch, times of appends (hash)
-- ARGV  now and deadline in milliseconds, most items (0: all), id of the new batch,
--       stem of the names of in-flight lists, name of the queue, furthest deadline to believe
local queue, leases, in_flight, pushed = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now, deadline, max, id = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local stem, name, furthest = ARGV[5], ARGV[6], ARGV[7]

-- Redis before 5 otherwise refuses to write after TTL was asked.
if redis.replicate_commands then
  redis.replicate_commands()
end

while true do
  local due = redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 1)[1]
    or redis.call('ZRANGEBYSCORE', leases, '(' .. furthest, '+inf', 'LIMIT', 0, 1)[1]
  if not due then
    break
  end
  local items = redis.call('LRANGE', stem .. due, 0, -1)
  if #items > 0 then
    redis.call('ZADD', leases, deadline, due)
    return { due, 1, items }
  end
  redis.call('ZREM', leases, due) -- somebody deleted its items
end

local waiting = redis.call('LLEN', queue)
if waiting == 0 then
  return false
end

local items
if max == 0 or waiting <= max then
  redis.call('RENAME', queue, in_flight)
  redis.call('PERSIST', in_flight)
  redis.call('HDEL', pushed, name)
  items = redis.call('LRANGE', in_flight, 0, -1)
else
  items = redis.call('LRANGE', queue, 0, max - 1)
  for first = 1, #items, 500 do
    redis.call('RPUSH', in_flight, unpack(items, first, math.min(first + 499, #items)))
  end
  redis.call('LTRIM', queue, max, -1)
  -- The rest must not vanish, and keeps the age that its expiry stood for.
  local ttl = redis.call('TTL', queue)
  if ttl >= 0 then
    redis.call('PERSIST', queue)
    local age = math.max(86400 - ttl, 0)
    redis.call('HSET', pushed, name, string.format('%d', math.floor(tonumber(now) / 1000) - age))
  end
end
redis.call('ZADD', leases, deadline, id)
return { id, 0, items }
