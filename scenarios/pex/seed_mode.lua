-- A seed answers and hangs up: everybody who asks gets addresses, and nobody keeps the seed's slot.
local N = param("nodes", 60, "nodes that join", { min = 10 })

network { latency = "30ms", loss = "0.5%" }

local seed  = node  { name = "seed", p2p = { seed_mode = true, max_num_inbound_peers = 20 } }
local peers = nodes { name = "n", count = N, p2p = { seeds = { seed }, max_num_outbound_peers = 5 } }

seed:start()
peers:start { within = "60s" }

-- upstream fills its slots on a tick of 30 s and draws from the book without looking whether the address is in back-off.
eventually { "everybody finds peers other than the seed", within = profile() == "default" and "3m" or "6m",
  function() return peers:all(function(n) return n:num_peers("outbound") >= 5 end) end }

-- The seed hangs up on who has been answered. It may hold what it crawls at this moment, and who is just arriving.
always { "nobody keeps the seed's slot", after = "2m", every = "5s",
  function() return seed:num_peers("inbound") <= 3 end }

always { "the seed's limit holds", every = "1s",
  function() return seed:num_peers("inbound") <= 20 end }

at_end { "the seed has learnt the network", function() return seed.book:size() >= 0.8 * N end }

plot { "peers over time", every = "1s", percentiles = { 5, 50, 95 },
  function() return peers:map(function(n) return n:num_peers() end) end }
plot { "peers of the seed", every = "1s", function() return seed:num_peers() end }

run_for "7m"
