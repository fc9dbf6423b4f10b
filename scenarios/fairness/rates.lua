-- Nodes with send and receive limits drawn from the seed, on links that carry more. Loads begin, pause and begin again: no second
-- carries more than the limit and one bucket, what was missed in a pause is not made up for, and a load that lasts gets its rate.
local ours = profile() == "default"
local function draw(list) return list[math.random(#list)] end
local send = draw { 50000, 200000, 1000000, 5120000 }
local recv = ours and draw { 50000, 200000, 1000000, 5120000 } or 2 * send -- equal limits at both ends clog upstream (D-05)
local size = draw { "300B", "4KiB", "64KiB" }

network { latency = draw { "2ms", "50ms" }, rate = "200Mbit" }

local bulk = reactor { name = "bulk", channels = { { id = 0x30, priority = 5, send_queue_capacity = 50 } } }
local a = node { name = "a", reactors = { bulk }, p2p = { pex = false, send_rate = send, recv_rate = 0 } }
local b = node { name = "b", reactors = { bulk }, p2p = { pex = false, send_rate = 0, recv_rate = recv } }
start(a, b)
connect(a, b)
if math.random(2) == 1 then buggify { rate = "2%", points = { "no_room", "spurious", "late_event", "one_frame" } } end

local pause, again = 20 + math.random(0, 5000) / 1000, 30 + math.random(0, 20000) / 1000
traffic { from = a, to = b, channel = 0x30, size = size, saturate = true, after = "2s", before = pause }
traffic { from = a, to = b, channel = 0x30, size = size, saturate = true, after = again, before = "80s" }
local flow = measure { from = a, to = b, after = 55, before = 75 }

-- What a token bucket lets through in a second: its rate and what it holds, 64 KiB or 20 ms. Upstream's gate looks at samples of
-- 100 ms, and each may be overdrawn by a batch of ten packets; a second touches eleven of them.
local function most(rate)
  return ours and rate + math.max(65536, rate / 50) or 1.1 * rate + 11 * 10 * 1044
end

local sent, last, over = 0, 0, nil
every("1s", function()
  local peer = a:peer(b)
  if not peer then return end
  sent = peer:status().sent_bytes
  local rate = math.min(most(send), most(1.05 * recv) + 4194304) -- what waits on its way is sent, but not read
  if sent - last > rate then over = over or ("%.0f s: %d bytes in a second, %d/s are allowed"):format(now(), sent - last, send) end
  last = sent
end)
local got, got_last = 0, 0
every("1s", function()
  local peer = b:peer(a)
  if not peer then return end
  got = peer:status().received_bytes
  if got - got_last > most(1.05 * recv) then over = over or ("%.0f s: %d bytes read in a second"):format(now(), got - got_last) end
  got_last = got
end)

never { "a second carries more than the limit", function() return over ~= nil, over end }
at_end { "a load that lasts has its rate", function()
  local rate, limit = flow:throughput(), math.min(send, recv)
  return rate >= 0.9 * limit and rate <= (ours and 1.06 * limit or limit + 104400), ("%.0f bytes/s of %d"):format(rate, limit)
end }
run_for "80s"
