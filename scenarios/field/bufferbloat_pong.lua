-- A node behind an uplink of 100 kbit/s always has something to send. Its pings and pongs go down the same line, behind all that was
-- committed before: a live peer must not be lost for an answer that is still waiting in a buffer.
-- Reported in the field: tendermint#3230 (seeds lose all peers under load), tendermint#6824 (large messages block the pong).
-- Fails in: upstream, upstream-v0.38
local rate = param("rate", "100kbit", "of the uplink")

network { latency = "40ms" }

local Bulk = reactor { name = "bulk", channels = {
  { id = 0x40, priority = 5, send_queue_capacity = 10 },
  { id = 0x22, priority = 7, send_queue_capacity = 100 } } }
local a = node { name = "a", reactors = { Bulk }, p2p = { pex = false } }
local b = node { name = "b", reactors = { Bulk }, p2p = { pex = false, persistent_peers = { a } } }
link { from = a, to = b, rate = rate, queue = "256KiB", one_way = true }
start(a, b)
traffic { from = a, to = b, channel = 0x40, size = "1MiB", saturate = true, after = "10s" }

local lost, worst = 0, 0
watch { group(a, b), events = "peer_removed", function(_, e) if e.why == "peer_pong_timeout" then lost = lost + 1 end end }
every("5s", function()
  local p = b:peer(a)
  if p then worst = math.max(worst, p:status().ping_rtt) end
end)
at_end { "a live peer is never taken for dead", function() return lost == 0, ("%d times"):format(lost) end }
at_end { "a pong is there within a third of its time", function() return worst > 0 and worst <= 15, ("%.1f s"):format(worst) end }
plot { "round trip of a ping", every = "5s", function() local p = b:peer(a) return p and p:status().ping_rtt or 0 end }
run_for "20m"
log("%d peers taken for dead; the slowest pong took %.1f s", lost, worst)
