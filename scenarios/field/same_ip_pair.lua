-- Two persistent peers behind one NAT, and a node that takes one connection of an IP: whenever one peer goes, the other comes.
-- Reported in the field: tendermint#10052. In CometBFT's code the node meets the second while the first is there, is told that it
-- knows this address, and gives the second up for good; when the first goes, it is alone.
-- Fails in: upstream, upstream-v0.38
local within = param("within", 600, "seconds within which the other one takes the place", { min = 1 })

network { latency = "40ms" }
site { name = "home", nat = true, latency = "5ms", uplink = "20Mbit", downlink = "100Mbit" }

local App = reactor { name = "app", channels = { { id = 0x70 } } }
local a = node { name = "a", site = "home", forward = 26656, reactors = { App }, p2p = { pex = false } }
local b = node { name = "b", site = "home", forward = 26657, reactors = { App }, p2p = { pex = false } }
local n = node { name = "n", reactors = { App }, p2p = { pex = false, allow_duplicate_ip = false, persistent_peers = { a, b } } }
start(a, b, n)

local first, second
at("5m", function()
  first  = n:has_peer(a) and a or b
  second = first == a and b or a
  first:stop()
end)
at("25m", function() first:start() end)
at("30m", function() second:stop() end)

eventually { "n has one of the two", within = "1m", function() return n:num_peers() == 1 end }
never { "n has both, which its configuration forbids", function() return n:num_peers() > 1 end }
eventually { "the other one takes its place", after = "5m", within = within, function() return n:has_peer(second) end }
eventually { "and the first one again", after = "30m", within = within, function() return n:has_peer(first) end }
plot { "peers", every = "5s", function() return { a = n:has_peer(a) and 1 or 0, b = n:has_peer(b) and 1 or 0 } end }
run_for "45m"
