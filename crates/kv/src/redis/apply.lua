-- Does a list of changes, all or nothing; with a batch id, only if that batch is still in flight,
-- which ends with it.
--
-- KEYS  times of appends (hash), leases (sorted set), in-flight list, then one key for each change
-- ARGV  batch id or '', now in seconds, length of the prefix of keys,
--       then for each change: verb, option, number of values, values
local pushed, leases, in_flight = KEYS[1], KEYS[2], KEYS[3]
local id, now, prefix = ARGV[1], ARGV[2], tonumber(ARGV[3])

if id ~= '' and not redis.call('ZSCORE', leases, id) then
  return false
end

-- A script that stops half-way keeps what it did, so every change is checked before the first.
local blocked = {}

function blocked.push(key)
  local kind = redis.call('TYPE', key).ok
  return kind ~= 'none' and kind ~= 'list'
end

function blocked.count(key)
  local value = redis.pcall('GET', key)
  if type(value) == 'string' then -- 18 characters: so that no sum leaves the range
    return value ~= '0' and not (string.match(value, '^-?[1-9]%d*$') and #value <= 18)
  end
  return type(value) == 'table'
end

function blocked.unique(key)
  local head = redis.pcall('GETRANGE', key, 0, 3)
  return type(head) == 'table' or (head ~= '' and head ~= 'HYLL')
end

function blocked.restore(key, batch)
  local kind = redis.call('TYPE', key).ok
  return kind ~= 'none' and (kind ~= 'zset' or redis.call('ZSCORE', key, batch) ~= false)
end

local apply = {}

local function expire(key, ttl)
  if ttl ~= '' then
    redis.call('PEXPIRE', key, ttl)
  end
end

-- A value holds many items, each led by its length, because the number of arguments is limited
-- both for a script and for a call inside it.
local function append(list, first, last)
  for i = first, last do
    local items, at = {}, 1
    while at <= #ARGV[i] do
      items[#items + 1], at = struct.unpack('>I4c0', ARGV[i], at)
    end
    redis.call('RPUSH', list, unpack(items))
  end
end

-- The key is the leases of the queue, the first value the name of the in-flight list.
function apply.restore(key, batch, first, last)
  redis.call('DEL', ARGV[first])
  append(ARGV[first], first + 1, last)
  redis.call('ZADD', key, 0, batch)
  return 0
end

function apply.push(key, keep, first, last)
  append(key, first, last)
  if keep == '0' then
    redis.call('DEL', key)
  elseif keep ~= '' then
    redis.call('LTRIM', key, '-' .. keep, -1)
  end
  redis.call('PERSIST', key)
  redis.call('HSET', pushed, string.sub(key, prefix + 1), now)
  return 0
end

function apply.count(key, ttl, first)
  local value = redis.call('INCRBY', key, ARGV[first])
  expire(key, ttl)
  return value
end

function apply.unique(key, ttl, first)
  redis.call('PFADD', key, ARGV[first])
  expire(key, ttl)
  return 0
end

function apply.set(key, ttl, first)
  redis.call('SET', key, ARGV[first])
  expire(key, ttl)
  return 0
end

function apply.nothing()
  return 0
end

function apply.delete(key)
  redis.call('DEL', key)
  return 0
end

local function each(change)
  local at = 4
  for i = 4, #KEYS do
    local verb, option, count = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
    change(KEYS[i], verb, option, at + 3, at + 2 + count)
    at = at + 3 + count
  end
end

local wrong
each(function(key, verb, option)
  if blocked[verb] and blocked[verb](key, option) then
    wrong = verb
  end
end)
if wrong then
  return redis.error_reply('WRONGTYPE a key holds something else than ' .. wrong .. ' needs')
end

if id ~= '' then
  redis.call('ZREM', leases, id)
  redis.call('DEL', in_flight)
end
local results = {}
each(function(key, verb, option, first, last)
  results[#results + 1] = apply[verb](key, option, first, last)
end)
return results
