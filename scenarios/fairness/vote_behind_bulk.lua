-- A vote of 200 bytes on a connection that always has bulk to send: what was committed too early stands in its way.
-- An ideal sender commits nothing: the vote then waits for the bottleneck's queue and half a round trip. upstream seals
-- 64 KiB at a time and leaves the kernel as much unsent as it takes (docs/SIMULATOR.md compares with real nodes).
local rate   = param("rate", "10Mbit", "rate of the link")
local rtt    = param("rtt", 0.1, "round trip, seconds")
local loss   = param("loss", "0%", "loss of packets")
local cc     = param("cc", "cubic", "congestion control", { choices = { "cubic", "reno", "bbr" } })
local lifted = param("lifted", true, "send and receive rates out of the way; else upstream's 5,120,000 bytes a second")
local bound  = param("bound", 0.4, "seconds: by then 99 of 100 votes are there in default, and not half of them in upstream; for the link above")

network { tcp = "segment", latency = rtt / 2, rate = rate, loss = loss, cc = cc }

local consensus = reactor { name = "consensus", channels = {
  { id = 0x21, priority = 10, send_queue_capacity = 4 },      -- block parts and the like
  { id = 0x22, priority = 7,  send_queue_capacity = 100 } } } -- votes
local p2p = lifted and { send_rate = 1000000000, recv_rate = 1000000000 } or {}
local a = node { name = "a", reactors = { consensus }, p2p = p2p }
local b = node { name = "b", reactors = { consensus }, p2p = p2p }
start(a, b)
connect(a, b)

traffic { from = a, to = b, channel = 0x21, size = "512KiB", saturate = true, after = "1s" }
traffic { from = a, to = b, channel = 0x22, size = "200B", interval = "97ms", after = "5s" }
local flow = measure { from = a, to = b, after = "10s" }

local function told(limit)
  return ("votes: p50 %.0f ms, p90 %.0f ms, p99 %.0f ms"):format(1000 * flow:delay(50, 0x22), 1000 * flow:delay(90, 0x22), 1000 * limit)
end
if profile() == "default" then
  at_end { "a vote overtakes the bulk", function()
    local p99 = flow:delay(99, 0x22)
    return p99 <= bound, told(p99)
  end }
else
  at_end { "a vote waits behind what was committed", function()
    return flow:delay(50, 0x22) > bound, told(flow:delay(99, 0x22))
  end }
end
if lifted and loss == "0%" then
  at_end { "the link is used", function() return flow:utilisation() >= 0.9 end }
end

plot.channels(flow)
run_for "60s"
