-- A seed tells a node of a network of live addresses at once, and a reactor of the node dials thirty of them on its own; the node may
-- have four outbound peers and no inbound ones. It must not have more at any moment.
-- Reported in the field: cometbft#486, cometbft#3315 (25 outbound peers where one was allowed), gaia#2347 (82 peers at 40 and 10).
-- Fails in: upstream, upstream-v0.38
local K = param("outbound", 4, "max_num_outbound_peers")

network { latency = "normal(60ms, 20ms)", tcp = "none" }

local live = nodes { name = "live", count = 60, p2p = { max_num_outbound_peers = 0 } }
local seed = node { name = "seed", p2p = { seed_mode = true }, book = { live } }
local Eager = reactor { name = "eager", channels = { { id = 0x70 } } }
local list  = {}
function Eager:start() self:set_timer(1, "60s") end
function Eager:timer() for i = 1, 30 do self.node:dial(list[i]) end end
local n    = node { name = "n", reactors = { Eager }, p2p = { seeds = { seed }, max_num_outbound_peers = K, max_num_inbound_peers = 0 } }
local eager = nodes { name = "eager", count = 10, p2p = { persistent_peers = { n } } }
start(live, seed, n, eager)

local most_out, most_in = 0, 0
watch { n, events = { "peer_added", "peer_removed" }, function()
  most_out = math.max(most_out, n:num_peers("outbound"))
  most_in = math.max(most_in, n:num_peers("inbound"))
end }
for i, peer in ipairs(live) do list[i] = peer.address end

eventually { "it has its outbound peers", within = "2m", function() return n:num_peers("outbound") >= K end }
at_end { ("never more than %d outbound peers"):format(K), function() return most_out <= K, ("%d"):format(most_out) end }
at_end { "never an inbound one", function() return most_in == 0, ("%d"):format(most_in) end }
plot { "peers", every = "1s", function() return { outbound = n:num_peers("outbound"), inbound = n:num_peers("inbound") } end }
run_for "5m"
log("at most %d outbound peers of %d, at most %d inbound ones of none", most_out, K, most_in)
