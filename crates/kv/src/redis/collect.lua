-- Moves the values of counters into a queue.
--
-- KEYS  queue (list), times of appends (hash), counters
-- ARGV  now in seconds, length of the prefix of keys
local queue, pushed = KEYS[1], KEYS[2]
local now, prefix = ARGV[1], tonumber(ARGV[2])

local kind = redis.call('TYPE', queue).ok
if kind ~= 'none' and kind ~= 'list' then
  return redis.error_reply('WRONGTYPE the key of the queue holds something else')
end

local count = 0
for i = 3, #KEYS do
  local value = redis.pcall('GET', KEYS[i])
  if type(value) == 'string' and string.match(value, '^-?[1-9]%d*$') and #value <= 18 then
    redis.call('DECRBY', KEYS[i], value) -- unlike SET it leaves the expiry
    redis.call('RPUSH', queue, string.sub(KEYS[i], prefix + 1) .. ' ' .. value)
    count = count + 1
  end
end
if count > 0 then
  redis.call('PERSIST', queue)
  redis.call('HSET', pushed, string.sub(queue, prefix + 1), now)
end
return count
