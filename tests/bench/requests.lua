-- For wrk: sends requests from a file, and prints one JSON object at the end.
--
--   wrk -s requests.lua URL -- [FILE OFFSET LIMIT once|again TOKEN]
--
-- A line of the file is `PATH`, or `PATH BODY` for a POST with the token. The first request is that of line OFFSET (the first line is 0);
-- at most LIMIT lines are used.
-- After the last line, `once` ends the run (the last request may be sent again) and `again` starts with its first request. Without a file, every request is that of the URL.
-- Requires: one thread (-t 1).

local prepared, next_one = {}, 1

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
        return prepared[#prepared]
      end
      next_one = 1
    end
    next_one = next_one + 1
    return prepared[next_one - 1]
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "p999_ms": %.3f, "max_ms": %.3f, "status": %d, "lost": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3,
    latency.max / 1e3, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
