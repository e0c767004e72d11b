-- One line of the file named in the first argument is one Cookie header; requests take them in turn, and two browsers with them.
-- All requests are built beforehand, byte for byte the same in every run, so the client costs the same whatever is measured.
local requests = {}
local at = 0

local browsers = {
  'Cookie: %s\r\n' ..
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n' ..
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n' ..
  'Accept-Language: en-GB,en;q=0.5\r\n' ..
  'Accept-Encoding: gzip, deflate, br\r\n' ..
  'Connection: keep-alive\r\n' ..
  'Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\n',
  'Connection: keep-alive\r\n' ..
  'User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n' ..
  'Accept: application/json\r\n' ..
  'Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n' ..
  'Referer: http://app.bench.localhost/orders/\r\n' ..
  'Accept-Encoding: gzip, deflate, br, zstd\r\n' ..
  'Accept-Language: en-US,en;q=0.9\r\n' ..
  'Cookie: %s\r\n',
}

function init(args)
  for cookie in io.lines(args[1]) do
    for _, headers in ipairs(browsers) do
      requests[#requests + 1] = 'GET /orders/2024/list?page=3 HTTP/1.1\r\nHost: ' .. args[2] .. '\r\n' ..
        string.format(headers, cookie) .. '\r\n'
    end
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
