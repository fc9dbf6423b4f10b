-- Both ends limit the rate to the same figure, the sender by batches and the receiver by packets; block parts are offered at more
-- than that. What arrives must be the rate and no more, and nobody may be lost. (How long a part waits is up to whoever offers too much.)
-- Reported in the field: cometbft#3864, celestia-core#1111 (the effective rate is another than the configured one).
local load = param("load", 1.2, "offered, as a fraction of the rate", { min = 0.5, max = 2 })
local rate = param("rate", 512000, "send_rate and recv_rate, bytes a second (CometBFT's default is ten times as much)")

network { latency = "25ms", rate = "1Gbit" }

local Parts = reactor { name = "parts", channels = { { id = 0x21, priority = 10, send_queue_capacity = 10 } } }
local p2p = { send_rate = rate, recv_rate = rate }
local a = node { name = "a", reactors = { Parts }, p2p = p2p }
local b = node { name = "b", reactors = { Parts }, p2p = p2p }
start(a, b)
connect(a, b)
traffic { from = a, to = b, channel = 0x21, size = "64KiB", rate = ("%dkbit"):format(math.floor(load * rate * 8 / 1000)), after = "2s" }
local flow = measure { from = a, to = b, after = "10s", rate = ("%dkbit"):format(rate * 8 // 1000) }

local due = math.min(load, 1) * rate
at_end { "95 % of what the limit allows arrives", function()
  return flow:throughput() >= 0.95 * due, ("%.1f %%"):format(100 * flow:throughput() / due)
end }
at_end { "and no more than the limit", function() return flow:throughput() <= 1.03 * rate, ("%.1f %%"):format(100 * flow:throughput() / rate) end }
always { "nobody is lost", after = "3s", function() return a:has_peer(b) end }
plot.channels(flow)
run_for "70s"
log("%.1f %% of the rate", 100 * flow:throughput() / rate)
