-- wrk: POSTs the bodies of files in turn. Arguments: folder, count, content type.
local requests, at = {}, 0

function init(args)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = args[3]
  for number = 0, tonumber(args[2]) - 1 do
    local file = assert(io.open(args[1] .. "/" .. number, "rb"))
    requests[number + 1] = wrk.format(nil, nil, nil, file:read("*a"))
    file:close()
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%f,"refused":%d,"broken":%d,"p50Ms":%f,"p99Ms":%f}\n',
    summary.requests, summary.duration / 1e6, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
