-- For wrk: POSTs the lines of a file in turn, or an empty query from changing addresses.
--
-- usage: wrk ... -s post.lua http://HOST:PORT -- PATH [FILE]
--
-- The last line of the output is for programs: rate a second, percentiles in milliseconds, answers
-- with status 200 or 204, all others, and connections that broke.

local workers = {}

-- Addresses with a known place in MaxMind's public test database.
local addresses = {
  "2.125.160.217", "67.43.156.9", "81.2.69.142", "81.2.69.160", "81.2.69.192", "89.160.20.113",
  "89.160.20.129", "149.101.100.3", "175.16.199.4", "202.196.224.1", "216.160.83.57",
}

function setup(worker)
  table.insert(workers, worker)
  worker:set("place", #workers)
end

function init(arguments)
  path, good, bad, lines = arguments[1], 0, 0, {}
  if arguments[2] then
    for line in io.lines(arguments[2]) do table.insert(lines, line) end
  end
  -- Each thread begins elsewhere, so that they do not ask the same at the same time.
  turn = place * 4099
end

function request()
  turn = turn + 1
  local headers, body = { ["Content-Type"] = "application/json" }, "{}"
  if #lines > 0 then
    body = lines[turn % #lines + 1]
  else
    headers["X-Forwarded-For"] = addresses[turn % #addresses + 1]
  end
  return wrk.format("POST", path, headers, body)
end

function response(status)
  if status == 200 or status == 204 then good = good + 1 else bad = bad + 1 end
end

function done(summary, latency)
  local good, bad, errors = 0, 0, summary.errors
  for _, worker in ipairs(workers) do
    good, bad = good + worker:get("good"), bad + worker:get("bad")
  end
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  print(string.format("rate=%.0f p50=%.2f p99=%.2f good=%d bad=%d broken=%d",
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, good, bad, broken))
end
