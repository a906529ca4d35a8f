-- wrk sends the requests of a file in turn and prints one line of JSON at the end.
--
-- The file's lines are: method, path, body, then one header a line ("name: value"), and an empty line behind each request.

local requests = {}
local next_request = 0

function init(args)
  local lines = {}
  for line in io.lines(args[1]) do
    if line ~= "" then
      lines[#lines + 1] = line
    else
      local headers = {}
      for i = 4, #lines do
        local name, value = lines[i]:match("^([^:]+): (.*)$")
        headers[name] = value
      end
      requests[#requests + 1] = wrk.format(lines[1], lines[2], headers, lines[3])
      lines = {}
    end
  end
end

function request()
  next_request = next_request % #requests + 1
  return requests[next_request]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"min":%d,"failed":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.min,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
