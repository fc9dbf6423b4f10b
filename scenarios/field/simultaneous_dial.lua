-- Two nodes dial one another within a round trip, so that the dials cross; 200 pairs, each with another gap between the two dials.
-- One connection a pair must remain, the same one at both ends, and reactors must be told of each peer's end who were told of its
-- beginning.
-- Reported in the field: tendermint#2716, tendermint#2060 (both connections are lost), sei-chain#2539 (a rule by ids),
-- cometbft#6076 (a lost race leaves InitPeer without RemovePeer: two threads there, which one sequential core has not).
-- Fails in: upstream, upstream-v0.38
local N   = param("pairs", 200, "pairs", { min = 1, max = 1000 })
local rtt = param("rtt", 0.1, "round trip, seconds")

network { latency = rtt / 2, tcp = "none" }

-- What CometBFT's mempool does: an id is reserved in init_peer and given back in remove_peer.
local Slots = reactor { name = "slots", channels = { { id = 0x30 } } }
function Slots:start() self.reserved = 0 end
function Slots:init_peer() self.reserved = self.reserved + 1 end
function Slots:remove_peer() self.reserved = self.reserved - 1 end

local a = nodes { name = "a", count = N, reactors = { Slots }, p2p = { pex = false } }
local b = nodes { name = "b", count = N, reactors = { Slots }, p2p = { pex = false } }
local all = group(a, b)
all:start()

-- Without pex nobody dials again: what is left of the two dials is the result. The gap runs from 0 to a round trip.
for i = 1, N do
  at(1, function() a[i]:dial(b[i]) end)
  at(1 + rtt * (i - 1) / N, function() b[i]:dial(a[i]) end)
end

local none, split, gone = 0, 0, 0
watch { all, events = "peer_removed", function() gone = gone + 1 end }
at("20s", function()
  for i = 1, N do
    local x, y = a[i]:peer(b[i]), b[i]:peer(a[i])
    if not x and not y then none = none + 1
    elseif not x or not y or x.outbound == y.outbound then split = split + 1 end
  end
end)

at_end { "each pair has one connection", function() return none + split == 0, ("%d of %d pairs have none, %d disagree"):format(none, N, split) end }
at_end { "no reactor's slot is leaked", function()
  return all:all(function(n) return n.reactors.slots.reserved == n:num_peers() end)
end }
run_for "30s"
log("%d of %d pairs have no connection, %d disagree; %d peers came and went", none, N, split, gone)
