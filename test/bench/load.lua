-- A script for wrk: sends the requests of a file, one after the other and again from the first, and prints the result
-- as JSON. Thread n of wrk talks to server n of BENCH_PORTS and begins at its own place in the file.

local ports = {}
for port in os.getenv('BENCH_PORTS'):gmatch('%d+') do ports[#ports + 1] = port end

local threads = 0

function setup(thread)
  thread.addr = wrk.lookup('127.0.0.1', ports[threads % #ports + 1])[1]
  thread:set('skip', threads * 4999)
  threads = threads + 1
end

local requests, index = {}, 0

function init(arguments)
  local file = io.open(arguments[1], 'rb')
  for request in file:read('*a'):gmatch('[^%z]+') do requests[#requests + 1] = request end
  file:close()
  index = skip
end

function request()
  index = index % #requests + 1
  return requests[index]
end

function done(summary)
  local e = summary.errors
  io.write(string.format('\n{"requests": %d, "seconds": %f, "above399": %d, "failed": %d}\n', summary.requests,
    summary.duration / 1e6, e.status, e.connect + e.read + e.write + e.timeout))
end
