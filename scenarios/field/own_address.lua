-- A node listens on 0.0.0.0 and hears lies about itself: its own address under other ids, and addresses that lead nowhere from here
-- (10/8, 127/8, 192.168/16). It must dial itself once at most, and what is not routable never.
-- Reported in the field: tendermint#3716 (dials itself), tendermint#3714 (0.0.0.0), tendermint#1215.
-- Fails in: upstream, upstream-v0.38
local pex = require "lib.pex"

network { latency = "40ms", tcp = "none" }

local n    = node { name = "n", p2p = { external_address = "tcp://0.0.0.0:26656", persistent_peers = { "liar" } } }
local list = {}
for i = 1, 20 do list[i] = ("%s@%s:26656"):format(pex.id(i), n.ip) end
for i = 21, 40 do list[i] = ("%s@%s:26656"):format(pex.id(i), ({ "10.0.0.1", "127.0.0.1", "192.168.1.1", "0.0.0.0" })[1 + i % 4]) end
list[41] = n.id .. "@" .. n.ip .. ":26656"
local lie  = pex.addrs(list)
local Liar = reactor { name = "liar", channels = { pex.channel } }
function Liar:receive(peer, channel, msg) if pex.is_request(msg) then peer:try_send(0x00, lie) end end
local liar = node { name = "liar", reactors = { Liar }, p2p = { pex = false } }
start(n, liar)

local itself, nowhere = 0, 0
watch { n, events = "dial", function(_, e)
  if e.address:find("@" .. n.ip .. ":", 1, true) then itself = itself + 1
  elseif e.id ~= liar.id then nowhere = nowhere + 1 end
end }
eventually { "the lie was told", within = "5m", function() return n:pex_counts().lists_received > 0 end }
at_end { "it dials itself once at most", function() return itself <= 1, ("%d times"):format(itself) end }
at_end { "it dials nothing that is not routable", function() return nowhere == 0, ("%d times"):format(nowhere) end }
at_end { "nothing of it stays in the book", function() return n.book:size() <= 1, ("%d"):format(n.book:size()) end }
run_for "6h"
log("dialled itself %d times, addresses that are not routable %d times", itself, nowhere)
