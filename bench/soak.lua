-- wrk -s soak.lua URL -- FILE CALLERS
-- FILE holds one GraphQL body a line, sent in turn. `@N@` in one becomes a new number with every
-- other such body, so that each new document comes twice. Every CALLERS-th request has a bearer
-- token that was never seen before.
local bodies, sent, fresh, every = {}, 0, 0, 0
local thread
wrong = 0

function setup(started) thread = started end

function init(args)
  for line in io.lines(args[1]) do bodies[#bodies + 1] = line end
  every = tonumber(args[2])
end

function request()
  local body = bodies[sent % #bodies + 1]
  sent = sent + 1
  if body:find("@N@", 1, true) then
    body = body:gsub("@N@", math.floor(fresh / 2))
    fresh = fresh + 1
  end
  return wrk.format("POST", nil, {
    ["Content-Type"] = "application/json", ["Accept"] = "application/json",
    ["Authorization"] = "Bearer bench-" .. (sent % every == 0 and sent or 0),
  }, body)
end

function response(status, _, body)
  if status ~= 200 or body:sub(1, 9) == '{"errors"' then wrong = wrong + 1 end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"bytes":%d,"p50":%.3f,"p99":%.3f,"failures":%d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000,
    thread:get("wrong") + e.connect + e.read + e.write + e.timeout))
end
