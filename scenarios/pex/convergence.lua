-- Nodes that know one seed find each other.
local N     = param("nodes", 200, "nodes that join", { min = 100 })
local known = param("known", profile() == "default" and 0.9 or 0.1,
                    "share of the network in every book (upstream stops asking once its outbound slots are full)")

network { regions = { "us-east", "eu-west", "ap-southeast" }, rate = "100Mbit", loss = "0.1%" }

local seed  = node  { name = "seed", p2p = { seed_mode = true } }
local peers = nodes { name = "n", count = N, p2p = { seeds = { seed }, max_num_outbound_peers = 10 } }

seed:start()
peers:start { within = "10s" }

eventually { "every node reaches its outbound target", within = N <= 500 and "3m" or "6m",
  function() return peers:all(function(n) return n:num_peers("outbound") >= 10 end) end }

eventually { "every book knows its share of the network", within = "10m",
  function() return peers:all(function(n) return n.book:size() >= known * N end) end }

always { "the graph stays in one piece", after = "3m", every = "1s",
  function() return graph.components(peers) == 1 end }

plot { "peers over time", every = "1s", percentiles = { 5, 50, 95 },
  function() return peers:map(function(n) return n:num_peers() end) end }

run_for "10m"
