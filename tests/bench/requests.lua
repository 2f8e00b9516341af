-- For wrk: sends requests from a file, and prints one JSON object at the end.
--
--   wrk -s requests.lua URL -- [FILE OFFSET LIMIT once|again TOKEN]
--
-- A line of the file is `PATH`, or `PATH BODY` for a POST with the token. The first request is that of line OFFSET (the first line is 0);
-- at most LIMIT lines are used.
-- After the last line, `once` ends the run (the last request may be sent again) and `again` starts with its first request. Without a file, every request is that of the URL.
-- Requires: one thread (-t 1).

local ffi = require("ffi")
ffi.cdef("typedef struct { long seconds, nanoseconds; } instant_t; int clock_gettime(int, instant_t *);")

local function now()
  local instant = ffi.new("instant_t")
  ffi.C.clock_gettime(1, instant)  -- CLOCK_MONOTONIC
  return tonumber(instant.seconds) + tonumber(instant.nanoseconds) / 1e9
end

local prepared, next_one, thread = {}, 1, nil

function setup(one)
  thread = one
end

function init(words)
  if not words[1] then
    return
  end
  local plain = wrk.headers
  local write = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. (words[5] or "") }
  for name, value in pairs(plain) do
    write[name] = value
  end
  local offset, limit, number = tonumber(words[2]), tonumber(words[3]), 0
  for line in io.lines(words[1]) do
    if #prepared == limit then
      break
    end
    if number >= offset then
      local path, body = line:match("^(%S+) (.*)$")
      prepared[#prepared + 1] = body and wrk.format("POST", path, write, body) or wrk.format("GET", line, plain)
    end
    number = number + 1
  end
  request = function()
    if next_one > #prepared then
      if words[4] == "once" then
        wrk.thread:stop()
        ended = ended or now()  -- global, for done()
        return prepared[#prepared]
      end
      next_one = 1
    end
    began = began or now()
    next_one = next_one + 1
    return prepared[next_one - 1]
  end
end

function done(summary, latency, requests)
  local errors, ended = summary.errors, thread:get("ended")
  -- A run that ends after the last line is shorter than wrk says.
  local seconds = ended and ended - thread:get("began") or summary.duration / 1e6
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "p999_ms": %.3f, "max_ms": %.3f, "status": %d, "lost": %d}\n',
    summary.requests, seconds, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3,
    latency.max / 1e3, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
