-- A peer tells a node of 100 addresses at which other nodes live, each under an id that nobody has. The node dials, shakes hands with
-- somebody who has nothing to do with it, and finds the wrong id: that is to happen once an address, and the address is to be forgotten.
-- Reported in the field: tendermint#2033 (a false id at a true IP); the ban that CometBFT's address book specifies for it is not reached.
-- Fails in: upstream, upstream-v0.38
local pex   = require "lib.pex"
local hours = param("hours", 20, "how long it runs; bans end after 24 (upstream gives an address up after 17 dials, some 36 h)", { min = 1 })
local fakes = param("fakes", 100, "false addresses", { min = 10, max = 250 })

network { latency = "40ms", tcp = "none" }

local third = nodes { name = "third", count = fakes, p2p = { pex = false } } -- they live where the false ids point
local list, told = {}, false
for i = 1, fakes do list[i] = ("%s@%s:26656"):format(pex.id(i), third[i].ip) end

local lie  = pex.addrs(list)
local Liar = reactor { name = "liar", channels = { pex.channel } }
function Liar:receive(peer, channel, msg)
  if pex.is_request(msg) then told = peer:try_send(0x00, lie) or told end
end

local n    = node { name = "n", p2p = { persistent_peers = { "liar" } } }
local liar = node { name = "liar", reactors = { Liar }, p2p = { pex = false } }
start(n, liar, third)

local dials, most, total, bothered = {}, 0, 0, 0
watch { n, events = "dialled", function(_, e)
  if e.why ~= "peer_wrong_id" then return end
  dials[e.id] = (dials[e.id] or 0) + 1
  total, most = total + 1, math.max(most, dials[e.id])
end }
watch { third, events = "refused", function() bothered = bothered + 1 end }

eventually { "the lie is told, and half of it tried", within = "1h", function() return told and total >= fakes / 2 end }
at_end { "no false address is dialled twice", function() return most == 1, ("up to %d times"):format(most) end }
at_end { "third parties are bothered once each", function() return bothered <= fakes, ("%d times"):format(bothered) end }
at_end { "the false addresses have left the book", function() return n.book:size() <= 1, ("%d are in it"):format(n.book:size()) end }
plot { "handshakes with the wrong node", every = "10m", function() return total end }

run_for(hours * 3600)
log("%d handshakes for %d false addresses, up to %d for one; %d in the book after %g h", total, fakes, most, n.book:size(), hours)
