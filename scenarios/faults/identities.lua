-- Nodes change their addresses and lose their keys, as hosts with leases and lost disks do; some are behind one NAT, which moves, too.
-- The network finds itself again each time: files and books name who is not there any more, and nobody tells.
-- Quick: nodes=12
local N     = param("nodes", 24, "nodes", { min = 4 })
local last  = param("last", "20m", "no change begins from then on")

network { regions = { "us-east", "eu-west", "ap-southeast" } }
site { name = "home", nat = true, latency = "5ms", uplink = "20Mbit", downlink = "100Mbit" }

local seed = node { name = "seed", p2p = { seed_mode = true, allow_duplicate_ip = true } }
local p2p  = { seeds = { seed }, allow_duplicate_ip = true, max_num_outbound_peers = 4 }
local out  = nodes { name = "n", count = N - 3, p2p = p2p }
local home = { node { name = "h1", site = "home", forward = 26656, p2p = p2p }, node { name = "h2", site = "home", p2p = p2p },
  node { name = "h3", site = "home", forward = 26658, p2p = p2p } }
local all  = group(out, home)
start(seed)
all:start { within = "30s" }

chaos { nodes = all, ops = { move = 3, lose_key = 1, reset = 1 }, after = "2m", before = last, every = "20s", duration = { "10s", "4m" } }

eventually { "they meet", within = "2m", function() return graph.components(all) == 1 end }
local quiet = seconds(last) + 240
eventually { "the network is in one piece again", after = quiet, within = "10m", function() return graph.components(all) == 1 end }
eventually { "everybody has peers", after = quiet, within = "10m", function() return all:all(function(n) return n:num_peers() >= 2 end) end }
plot { "peers", every = "10s", percentiles = { 5, 50, 95 }, function() return all:num_peers() end }
plot { "pieces", every = "10s", function() return graph.components(all) end }
run_for(quiet + 600)
