-- Lines that lose 5 % of what is sent lose the first packet of one connection in twenty, and its answer as often. Linux sends it again
-- after a second: who gives up by then has failed.
-- CometBFT's dial_timeout of the configuration is not in force: a dial has one second.
-- Fails in: upstream, upstream-v0.38
local loss = param("loss", 0.05, "of packets", { min = 0, max = 0.3 })

network { latency = "uniform(10ms, 150ms)", loss = loss }

local Quiet   = reactor { name = "quiet", channels = { { id = 0x70 } } }
local targets = nodes { name = "t", count = 40, reactors = { Quiet }, p2p = { pex = false } }
local dialers = nodes { name = "d", count = 25, reactors = { Quiet }, p2p = { pex = false, max_num_outbound_peers = 100 } }
start(targets, dialers)

local tries, failed = 0, 0
watch { dialers, events = "dialled", function(_, e)
  tries = tries + 1
  if e.why == "dial_timeout" then failed = failed + 1 end
end }
for i, d in ipairs(dialers) do
  for k, t in ipairs(targets) do at(1 + k / 2 + i / 100, function() d:dial(t) end) end
end

at_end { "a thousand dials", function() return tries == 1000, tostring(tries) end }
at_end { "97 of 100 succeed at the first try", function() return failed <= 0.03 * tries, ("%d of %d failed"):format(failed, tries) end }
run_for "60s"
log("%d of %d dials timed out, %.1f %%", failed, tries, 100 * failed / math.max(tries, 1))
