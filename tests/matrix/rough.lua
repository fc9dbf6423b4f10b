-- A small network with everything rough that the language has, for hashes of one build against another: every stage of a link,
-- every congestion control, distributions with logarithms and tails, chaos, churn, swizzling, links that vary, rare behaviour.
-- What it checks is little: that bytes get through and that in the end the network is whole.
local model = param("model", "segment", "of TCP", { choices = { "segment", "flow" } })

network { tcp = model, latency = "lognormal(15ms, 0.4)", rate = "10Mbit", loss = "0.3%", queue = "60kB", codel = true, duplicate = "0.5%",
          reorder = "1%", reorder_by = "8ms", bursts = { enter = 0.002, leave = 0.3 }, uplink = "20Mbit", downlink = "30Mbit" }

local Bulk = reactor { name = "bulk", channels = {
  { id = 0x40, priority = 6, send_queue_capacity = 16 }, { id = 0x41, priority = 3, send_queue_capacity = 16 } } }
local got = 0
function Bulk:receive(peer, channel, msg) got = got + #msg end

local p2p = { max_num_outbound_peers = 4, ensure_peers_period = "4s" }
local seed = node { name = "seed", p2p = { seed_mode = true } }
p2p.seeds = { seed }
local list = {}
for i, cc in ipairs { "cubic", "reno", "bbr", "cubic", "reno", "bbr" } do
  list[i] = node { name = "n" .. i, cc = cc, p2p = p2p, reactors = { Bulk }, profile = i == 5 and "upstream" or i == 6 and "upstream-v0.38" or nil }
end
local n = group(list)
seed:start()
n:start { within = "3s" }

link { from = n[1], to = n[2], latency = "pareto(5ms, 2.5)", rate = "2Mbit", overtake = true, loss_trace = ("."):rep(60) .. "xx" }
link { from = n[1], to = n[3], latency = "exponential(5ms, 12ms)", rate = "40Mbit", loss = "0.1%" }
link { from = n[2], to = n[3], latency = { "table", values = { "10ms", "11ms", "35ms" } }, rate = "5Mbit" }
clock(n[2], { drift = "300ppm" })
clock(n[3], { drift = "200ppm", slow = true })
cpu(n[4], { per_frame = "20us" })
chaos { nodes = n, after = "8s", before = "40s", every = "4s", duration = { "0.5s", "6s" } }
churn { nodes = group(n[5], n[6]), after = "6s", before = "40s", session = { "pareto", min = "4s", shape = 1.2 }, downtime = "exponential(1s, 3s)",
        crash = 0.5, lose_disk = 0.3 }
vary { from = n[1], to = n[4], every = "700ms", before = "40s", rate = { "1Mbit", "10Mbit" }, latency = { "5ms", "40ms" } }
swizzle { nodes = group(n[1], n[2], n[3]), after = "20s", before = "30s" }
buggify { rate = "2%" }

traffic { from = n[1], to = group(n[2], n[3], n[4]), channel = 0x40, size = { "1KiB", "64KiB" }, saturate = true, after = "4s" }
traffic { from = n[4], to = n[1], channel = 0x41, size = "8KiB", rate = "1Mbit", poisson = true, after = "5s" }

eventually { "bytes get through", within = "40s", function() return got > 1000000, ("%d bytes"):format(got) end }
eventually { "whole again", after = "60s", within = "2m", function() return graph.components(n) == 1 end }
run_for "3m"
