-- A peer breaks the rules of peer exchange and is banned for a day. It dials in again at once, and again after the node has restarted:
-- it is to be kept out until the ban is over, and let in then.
-- Reported in the field: cometbft#2585 (operators want bans that hold), tendermint#1614. CometBFT's ban concerns the book alone.
-- Fails in: upstream, upstream-v0.38
local pex = require "lib.pex"

network { latency = "40ms", tcp = "none" }

local Ill = reactor { name = "ill", channels = { pex.channel } }
local n   = node { name = "n", p2p = { max_num_outbound_peers = 0 } }
local ill = node { name = "ill", reactors = { Ill }, p2p = { pex = false, persistent_peers = { n } } }
start(n, ill)

local added, refused = {}, 0
watch { n, events = { "peer_added", "refused" }, function(_, e)
  if e.event == "peer_added" then added[#added + 1] = now() elseif e.why == "banned" then refused = refused + 1 end
end }
for i = 0, 1 do -- n may have asked once, not twice
  at(60 + i / 10, function() ill:broadcast(0x00, pex.addrs { pex.id(1) .. "@9.9.9.9:1" }) end)
end
at("2h", function() n:restart() end)

local function came(from, to)
  local k = 0
  for _, t in ipairs(added) do k = k + (t > from and t <= to and 1 or 0) end
  return k
end
eventually { "it is a peer at first", within = "10s", function() return n:has_peer(ill) end }
at_end { "it is sent away", function() return came(0, 60) == 1 end }
at_end { "it is kept out until the node restarts", function() return came(60, 7200) == 0, ("%d times a peer"):format(came(60, 7200)) end }
at_end { "and after that, for the rest of the day", function()
  return came(7200, 86400) == 0, ("%d times a peer"):format(came(7200, 86400))
end }
at_end { "it has tried", function() return refused > 10 or came(60, 7200) > 0, ("%d refusals"):format(refused) end }
eventually { "when the ban is over it is let in", after = "24h", within = "24h", function() return n:has_peer(ill) end }
run_for "49h"
log("a peer %d times in the first day after its ban, refused %d times", came(60, 86400), refused)
