-- A machine loses its power without a word: its peers notice by their pings, give its slot to others, and take it back.
-- Reported in the field: connections to machines that are gone stay for hours and hold their slots.
local N = param("nodes", 8, "nodes that are its peers", { min = 2 })

network { latency = "30ms", loss = "0.1%" }

local gone  = node { name = "gone" }
local peers = nodes { name = "n", count = N, p2p = { persistent_peers = { gone } } }
gone:start()
peers:start { within = "5s" }

at("30s", function() power_off(gone) end)
at("10m", function() power_on(gone) end)

eventually { "everybody is its peer", within = "20s", function() return peers:all(function(n) return n:has_peer(gone) end) end }
always { "nobody is told", after = "31s", within = "10s", function() return peers:all(function(n) return n:has_peer(gone) end) end }
-- a ping each 60 s, and 45 s for its answer
eventually { "everybody has noticed after a ping and its time", after = "30s", within = "110s",
  function() return peers:all(function(n) return not n:has_peer(gone) end) end }
never { "a slot is held by nobody", after = "150s", within = "440s", function() return peers:any(function(n) return n:has_peer(gone) end) end }
eventually { "it is taken back", after = "10m", within = "30m", function() return peers:all(function(n) return n:has_peer(gone) end) end }
plot { "peers of the machine", every = "5s", function() return peers:count(function(n) return n:has_peer(gone) end) end }
run_for "40m"
