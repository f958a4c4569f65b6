-- wrk -s load.lua URL -- FILE CALLERS CODING
-- FILE holds one GraphQL body a line, sent in turn; CALLERS is how many bearer tokens take turns;
-- CODING is the Accept-Encoding, if it is not empty.
local requests, sent, count = {}, 0, 0

function init(args)
  local bodies, callers, coding = {}, tonumber(args[2]), args[3]
  if coding == "" then coding = nil end
  for line in io.lines(args[1]) do bodies[#bodies + 1] = line end
  count = math.max(#bodies, callers)
  for i = 1, count do
    requests[i] = wrk.format("POST", nil, {
      ["Content-Type"] = "application/json", ["Accept"] = "application/json",
      ["Authorization"] = "Bearer bench-" .. i % callers, ["Accept-Encoding"] = coding,
    }, bodies[(i - 1) % #bodies + 1])
  end
end

function request()
  sent = sent % count + 1
  return requests[sent]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"bytes":%d,"p50":%.3f,"p99":%.3f,"failures":%d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, e.status + e.connect + e.read + e.write + e.timeout))
end
