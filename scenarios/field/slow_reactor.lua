-- A reactor is busy with one message for two minutes, as at the end of an epoch. Votes on another channel of the same connection must
-- arrive all the same, pings must be answered, and no peer may be lost.
-- Reported in the field: cometbft#2533, cometbft#2685, cometbft#3250, tendermint#7186 (peers lost at each epoch), agoric-sdk#10742.
-- CometBFT calls Receive from the routine that reads the connection: what stalls the one stalls the other. Here that is an inbox of no
-- room that stops the reading; in default the reactor has one with room.
-- Fails in: upstream, upstream-v0.38
local busy = param("busy", 120, "seconds that one message takes", { min = 1 })
local ours = profile() == "default"

network { latency = "40ms", tcp = "none" }

local Epoch = reactor { name = "epoch", channels = { { id = 0x38, inbox = "stall", inbox_bytes = ours and "64KiB" or "1B", work = busy } } }
local Votes = reactor { name = "votes", channels = { { id = 0x22, priority = 7, send_queue_capacity = 100 } } }
function Votes:start() self.got, self.slowest = 0, 0 end
function Votes:receive(peer, channel, msg)
  self.got = self.got + 1
  self.slowest = math.max(self.slowest, now() - tonumber(msg))
end

local n     = node { name = "n", reactors = { Epoch, Votes }, p2p = { pex = false } }
local peers = nodes { name = "p", count = 8, reactors = { Epoch, Votes }, p2p = { pex = false, persistent_peers = { n } } }
start(n, peers)
local sent = 0
for i, p in ipairs(peers) do
  at(10 + i / 10, function() p:peer(n):try_send(0x38, "the epoch ends") end)
  at(20 + i / 10, function() p:peer(n):try_send(0x38, "and more of it") end)
  every("500ms", function()
    local peer = p:peer(n)
    sent = sent + 1
    if peer then peer:try_send(0x22, tostring(now())) end
    return now() < 400
  end, { after = 5 })
end

local lost, why = 0, ""
watch { group(n, peers), events = "peer_removed", function(_, e) lost, why = lost + 1, e.why end }
local function slowest() return n.reactors.votes.slowest end
at_end { "no peer is lost", function() return lost == 0, ("%d, %s"):format(lost, why) end }
at_end { "votes arrive at once", function() return slowest() <= 0.1, ("%.1f s"):format(slowest()) end }
at_end { "all of them", function() return n.reactors.votes.got == sent, ("%d of %d"):format(n.reactors.votes.got, sent) end }
plot { "peers", every = "5s", function() return n:num_peers() end }
run_for "420s"
log("%d ends of peers lost, %d of %d votes arrived", lost, n.reactors.votes.got, sent)
