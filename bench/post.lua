-- For wrk: POSTs the lines of a file in turn, or an empty query from changing addresses.
--
-- usage: wrk ... -s post.lua http://HOST:PORT -- PATH [FILE]
--
-- The last line of the output is for programs: rate a second, percentiles in milliseconds, answers
-- with a status below 400, all others, and connections that broke.

local threads = 0

-- Addresses with a known place in MaxMind's public test database.
local addresses = {
  "2.125.160.217", "67.43.156.9", "81.2.69.142", "81.2.69.160", "81.2.69.192", "89.160.20.113",
  "89.160.20.129", "149.101.100.3", "175.16.199.4", "202.196.224.1", "216.160.83.57",
}

function setup(thread)
  threads = threads + 1
  thread:set("place", threads)
end

-- What is sent is made here, and answers are not looked at one by one: either would cost as much as a good
-- part of the answer.
function init(arguments)
  local path = arguments[1]
  requests = {}
  local function add(body, address)
    local headers = { ["Content-Type"] = "application/json", ["X-Forwarded-For"] = address }
    table.insert(requests, wrk.format("POST", path, headers, body))
  end
  if arguments[2] then
    for line in io.lines(arguments[2]) do add(line) end
  else
    for _, address in ipairs(addresses) do add("{}", address) end
  end
  -- Each thread begins elsewhere, so that they do not ask the same at the same time.
  turn = place * 4099
end

function request()
  turn = turn + 1
  return requests[turn % #requests + 1]
end

function done(summary, latency)
  local errors = summary.errors
  local bad = errors.status
  local good = summary.requests - bad
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  print(string.format("rate=%.0f p50=%.2f p99=%.2f good=%d bad=%d broken=%d",
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, good, bad, broken))
end
