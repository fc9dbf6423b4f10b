-- Ten minutes of faults drawn from the seed: cuts, black holes, resets, bad links, crashes. Afterwards the network is whole again.
local N = param("nodes", 12, "nodes", { min = 4 })

network { latency = "20ms", loss = "0.1%" }

local seed  = node  { name = "seed", p2p = { seed_mode = true } }
local peers = nodes { name = "n", count = N, p2p = { seeds = { seed }, max_num_outbound_peers = 5 } }

seed:start()
peers:start { within = "5s" }

chaos { nodes = peers, every = "10s", after = "30s", before = "10m", duration = { "1s", "90s" } }

eventually { "whole again", after = "12m", within = "5m", function() return graph.components(peers) == 1 end }
always { "everybody runs again", after = "12m", function() return peers:all(function(n) return n.running end) end }
run_for "17m"
