-- How two real CometBFT switches share one connection among channels was measured over an emulated link; these are the same
-- cases, so that the profile upstream can be held against the measurements (make fidelity). Names of cases, links and
-- configurations are those of the measurement: tests/fidelity/data/channel_reference.csv.
local case  = param("case", "F1", "which case", { choices = { "F1", "F2", "F3", "F4", "F4ac", "F4p0.2", "F4p1.8", "F6", "F7" } })
local rate  = param("rate", "20Mbit", "of the link, each way")
local delay = param("delay", "20ms", "one way")
local queue = param("queue", 100, "send_queue_capacity of each channel", { min = 1 })
local rates = param("rates", 1000000000, "send_rate and recv_rate of both ends, bytes per second")
local lowat = param("lowat", 0, "TCP_NOTSENT_LOWAT, bytes; 0: the kernel's default", { min = 0 })
local cost  = param("frame_cost", "7us", "CPU time of a frame: sealed, and written by a call of its own")
local phase = param("phase", 4, "F7: seconds until the first pulse; the measurement does not tell, this fits its shares")
local wake  = param("wakeup", "30us", "until a sender that slept in Send calls it again")

-- The channels: priority, size of a message, what sends: always, from WAKE on, at a rate, or on and off.
-- The rate limiters' clock stands still for 20 ms at a time. How a rate limit and the one at the other end fall out with each
-- other depends on where between two of its steps the senders begin: anywhere, as in reality.
local GRAIN = 0.02 * math.random()
local WAKE = GRAIN + (case == "F4p0.2" and 42.2 or case == "F4p1.8" and 41.8 or 41)
local EQUAL = { { 5 }, { 5 }, { 5, wakes = true } }
local channels = ({
  F1 = { { 10 }, { 7 }, { 5 } },
  F2 = { { 5, size = "1KiB" }, { 5 }, { 5, size = "64KiB" } },
  F3 = { { 1 }, { 10 } },
  F4 = EQUAL, ["F4p0.2"] = EQUAL, ["F4p1.8"] = EQUAL,
  F4ac = { { 5 }, { 5, wakes = true } },
  F6 = { { 5 }, { 5, part = 0.05 } },
  F7 = { { 10, pulses = 3 }, { 7 }, { 5 }, { 1 } },
})[case]
local wakes = channels[#channels].wakes
local BEGIN = 0.5 + GRAIN             -- the connection stands and is idle
local until_s = wakes and WAKE + 30 or BEGIN + 40

network { latency = delay, rate = rate, notsent_lowat = lowat, frame_cost = cost }

local list = {}
for i, c in ipairs(channels) do list[i] = { id = 0x2f + i, priority = c[1], send_queue_capacity = queue } end
local bulk = reactor { name = "bulk", channels = list }
local p2p = { send_rate = rates, recv_rate = rates, pex = false }
local a = node { name = "a", reactors = { bulk }, p2p = p2p }
local b = node { name = "b", reactors = { bulk }, p2p = p2p }
start(a, b)
connect(a, b)

for i, c in ipairs(channels) do
  local t = { from = a, to = b, channel = list[i].id, size = c.size or "8KiB" }
  if c.part then
    t.rate, t.after = c.part * bits(rate), BEGIN
    traffic(t)
  elseif c.pulses then
    for s = BEGIN + phase, until_s - 1, 2 * c.pulses do
      traffic { from = a, to = b, channel = t.channel, size = t.size, saturate = true, wakeup = wake, after = s, before = s + c.pulses }
    end
  else
    t.saturate, t.wakeup, t.after = true, wake, c.wakes and WAKE or BEGIN
    traffic(t)
  end
end

local function row(name, value, i) metric(name, value, { channel = ("0x%02x"):format(list[i].id) }) end

local flow = measure { from = a, to = b, after = BEGIN + 5, before = wakes and WAKE or until_s }
at(until_s, function()
  for i in ipairs(channels) do
    row("mean_share", flow:share(list[i].id), i)
    row("p50_ms", 1000 * flow:delay(50, list[i].id), i)
    row("p99_ms", 1000 * flow:delay(99, list[i].id), i)
    row("max_gap_ms", 1000 * flow:longest_gap(list[i].id), i)
  end
  metric("mean_Bps", flow:throughput())
end)

if wakes then
  local after = measure { from = a, to = b, after = WAKE, before = until_s }
  local parts = {}
  for _, w in ipairs { { 0, 1 }, { 1, 2 }, { 2, 3 }, { 3, 4 }, { 4, 5 }, { 5, 6 }, { 6, 7 }, { 7, 8 }, { 8, 10 }, { 10, 15 }, { 15, 30 } } do
    parts[#parts + 1] = { w, measure { from = a, to = b, after = WAKE + w[1], before = WAKE + w[2] } }
  end
  at(until_s, function()
    for i in ipairs(channels) do
      row("blackout_s", after:longest_gap(list[i].id), i)
      for _, p in ipairs(parts) do row(("share_after_%d_%ds"):format(p[1][1], p[1][2]), p[2]:share(list[i].id), i) end
    end
  end)
end

at_end { "the link is used", function() return flow:throughput() > 0 end }
plot.channels(flow)
run_for(until_s + 1)
