-- Gives a named lease up.
--
-- KEYS  the lease (string)
-- ARGV  holder
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return 0
