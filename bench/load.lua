-- One line of the file named in the first argument is one Cookie header; requests take them in turn. All requests are built
-- beforehand, so the client costs the same whatever is measured.
local requests = {}
local at = 0

function init(args)
  for cookie in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format('GET', '/orders/2024/list?page=3', {
      ['Host'] = args[2],
      ['Cookie'] = cookie,
      ['User-Agent'] = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      ['Accept'] = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
      ['Accept-Language'] = 'en-GB,en;q=0.5',
      ['Accept-Encoding'] = 'gzip, deflate, br',
      ['Sec-Fetch-Mode'] = 'navigate',
      ['Sec-Fetch-Site'] = 'same-origin',
      ['Sec-Fetch-Dest'] = 'document',
      ['Connection'] = 'keep-alive',
    })
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"microseconds":%d,"errors":%d,"p50":%d,"p99":%d}\n', summary.requests,
    summary.duration, e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
