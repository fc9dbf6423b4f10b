-- A channel that wakes up after a long silence neither starves the others nor is starved by them.
-- upstream gives the sleeper credit for its silence: the old channels then wait 2 s / ln 1.25 * ln(1 + p/P),
-- with p the sleeper's priority and P the sum of the others': 6.2 s beside one equal, 3.6 s beside two.
network { latency = "20ms", rate = "20Mbit" }

local QUIET = "41s"                              -- the silence
local ours  = profile() == "default"

local bulk = reactor { name = "bulk", channels = {
  { id = 0x30, priority = 5, send_queue_capacity = 100 },
  { id = 0x31, priority = 5, send_queue_capacity = 100 },
  { id = 0x32, priority = 5, send_queue_capacity = 100 } } }
local a = node { name = "a", reactors = { bulk }, p2p = { send_rate = 0, recv_rate = 0 } }
local b = node { name = "b", reactors = { bulk }, p2p = { send_rate = 0, recv_rate = 0 } }
start(a, b)
connect(a, b)

traffic { from = a, to = b, channel = 0x30, size = "8KiB", saturate = true }
traffic { from = a, to = b, channel = 0x31, size = "8KiB", saturate = true }
traffic { from = a, to = b, channel = 0x32, size = "8KiB", saturate = true, after = QUIET }

local before = measure { from = a, to = b, after = "5s", before = QUIET }
local wake   = measure { from = a, to = b, after = QUIET, before = "51s" }
local later  = measure { from = a, to = b, after = "60s" }

at_end { "two channels share the link before", function() return before:share_error() <= 0.01 end }
-- A lost segment stops all channels until it has come again: the way there and back with a full queue, some 0.1 s.
if ours then
  at_end { "nobody waits when the third wakes up", function() return wake:longest_gap(0x30) <= 0.2 and wake:longest_gap(0x31) <= 0.2 end }
  at_end { "the third is not starved either",     function() return wake:longest_gap(0x32) <= 0.2 end }
else
  -- 2 / ln 1.25 * ln(1 + 5/10) = 3.63 s, times the fraction of credit that 41 s of silence have earned (all but 1 %).
  at_end { "the blackout is the one that the rule computes", function()
    local gap = math.max(wake:longest_gap(0x30), wake:longest_gap(0x31))
    return gap >= 3.4 and gap <= 3.9, ("blackout %.2f s, computed 3.6 s"):format(gap)
  end }
end
at_end { "three channels share the link later", function() return later:share_error() <= 0.01 end }

plot.channels(wake)
run_for "80s"
