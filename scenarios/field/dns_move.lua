-- A persistent peer is named by its host name, and the name comes to mean another address: whoever waits for it finds it.
-- Reported in the field: a name is looked up once, when the node starts, and the address of that day is redialled for ever.
-- Fails in: upstream, upstream-v0.38
network { latency = "40ms" }

local moved = node { name = "moved" }
local old   = node { name = "old-address" }          -- never starts: what the name means at first
dns("peer.example", old)
local n     = node { name = "n", p2p = { persistent_peers = { moved.id .. "@peer.example:26656" } } }

start(moved, n)
at("90s", function() dns("peer.example", moved) end)

never { "a peer where nobody is", within = "89s", function() return n:num_peers() > 0 end }
eventually { "n finds its peer at the new address", after = "90s", within = "10m", function() return n:has_peer(moved) end }
plot { "peers", every = "5s", function() return n:num_peers() end }
run_for "12m"
