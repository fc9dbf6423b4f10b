-- Three channels that always have something to send share one connection by priority.
-- Not promised in default with --buggify: the link is used
-- (a process that comes late finds its 16 KiB gone: fairness/late_writer.lua says what that costs)
network { latency = "20ms", rate = param("rate", "20Mbit", "rate of the link") }

local bulk = reactor { name = "bulk", channels = {
  { id = 0x30, priority = 10, send_queue_capacity = 16 },     -- upstream keeps to priorities only
  { id = 0x31, priority = 7,  send_queue_capacity = 16 },     -- with queues of eight messages and more
  { id = 0x32, priority = 5,  send_queue_capacity = 16 } } }

local a = node { name = "a", reactors = { bulk } }
local b = node { name = "b", reactors = { bulk } }
start(a, b)
connect(a, b)

for _, ch in ipairs(bulk.channels) do
  traffic { from = a, to = b, channel = ch.id, size = "64KiB", saturate = true }
end

local flow = measure { from = a, to = b, after = "5s" }       -- per channel: bytes, shares, delays, gaps; ideal = the weighted max-min share

at_end { "shares follow the priorities within 1 %",   function() return flow:share_error() <= 0.01 end }   -- max |share / ideal - 1|, delivered bytes
at_end { "the link is used",                          function() return flow:utilisation() >= 0.9 end }    -- payload delivered / rate of the link
never  { "a channel with work waits a quarter second", function() return flow:longest_gap() > 0.25 end }    -- longest time without a delivered byte

plot.channels(flow)          -- bytes per second and share by channel, delay CDF

run_for "30s"
