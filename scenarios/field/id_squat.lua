-- Somebody announces the id of a node at an address where nobody lives, before anybody else has spoken of it. Who hears the true
-- address later, from another peer, must find the node.
-- Read in CometBFT's code: its book keeps one address an id, the first; failed dials of it end in a ban of the id for a day.
-- Fails in: upstream, upstream-v0.38
-- Quick: hours=2
local pex   = require "lib.pex"
local hours = param("hours", 48, "how long it runs", { min = 1 })

network { latency = "40ms", tcp = "none" }

local target = node { name = "target", p2p = { max_num_outbound_peers = 0 } } -- dials nobody itself
local Liar   = reactor { name = "liar", channels = { pex.channel } }
function Liar:receive(peer, channel, msg)
  if pex.is_request(msg) then peer:try_send(0x00, pex.addrs { target.id .. "@9.9.9.9:26656" }) end
end

local liar   = node { name = "liar", reactors = { Liar }, p2p = { pex = false } }
local honest = node { name = "honest", book = { target }, p2p = { persistent_peers = { target } } }
local n      = node { name = "n", p2p = { persistent_peers = { liar } } }
start(target, liar, honest, n)

-- n hears the lie first, and the truth from its third minute on.
at("3m", function() n:dial(honest) end)
local lied, tries = false, 0
at("170s", function() lied = n.book:has(target) end)
watch { n, events = "dialled", function(_, e) if e.id == target.id and e.why ~= "ok" then tries = tries + 1 end end }

at_end { "the lie is in the book before the truth", function() return lied end }
eventually { "the node is found at its true address", after = "3m", within = "30m", function() return n:has_peer(target) end }
plot { "found", every = "5m", function() return n:has_peer(target) and 1 or 0 end }
run_for(hours * 3600)
log("%d dials of the false address; after %g h %s", tries, hours, n:has_peer(target) and "the two are peers" or "the two are no peers")
