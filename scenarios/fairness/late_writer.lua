-- A process that is up to 50 ms late when its socket has room again: shares stay what they are, and what does it cost?
-- default leaves the kernel 16 KiB unsent at most (D-06) and is told when half of them have left, some 300 times a second here.
-- The rest lasts 3.3 ms: who comes later finds the link idle, 25 ms in the mean, and sends in one burst what the window
-- has room for by then, which the queue may not hold. upstream leaves the kernel as much as it takes, and loses nothing.
-- Not promised in default with --buggify: being late costs something
-- (the command line draws points of its own for the two, and being late need not be among them)
local late = param("late", 0.05, "how many of the words that there is room come late", { min = 0, max = 1 })
local RATE = "20Mbit"

network { latency = "20ms", rate = RATE }

local bulk = reactor { name = "bulk", channels = {
  { id = 0x30, priority = 10, send_queue_capacity = 16 },
  { id = 0x31, priority = 5,  send_queue_capacity = 16 } } }
local a = node { name = "a", reactors = { bulk } }
local b = node { name = "b", reactors = { bulk } }
start(a, b)
connect(a, b)
buggify { nodes = a, points = { "late_event" }, rate = late }

for _, ch in ipairs(bulk.channels) do
  traffic { from = a, to = b, channel = ch.id, size = "64KiB", saturate = true }
end
local flow = measure { from = a, to = b, after = "5s" }

at_end { "shares follow the priorities within 1 %", function() return flow:share_error() <= 0.01 end }
if profile() == "default" then
  local words = bits(RATE) / 8 / bytes "8KiB"
  local least = 0.9 / (1 + late * words * seconds "25ms")
  local function used() return ("%.1f %% of it, at least %.1f %%"):format(100 * flow:utilisation(), 100 * least) end
  at_end { "the link is used but for what the late ones cost", function() return flow:utilisation() >= least, used() end }
  if late >= 0.05 then
    at_end { "being late costs something", function() return flow:utilisation() < 0.9, used() end }
  end
else
  at_end { "the link is used", function() return flow:utilisation() >= 0.9 end }
end

plot.channels(flow)
run_for "30s"
