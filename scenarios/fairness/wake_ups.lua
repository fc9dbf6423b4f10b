-- A channel sleeps and wakes beside two that never sleep; priorities, sizes, silences are drawn from the seed. In ours nobody waits
-- for it, and it waits for nobody. Upstream gives it credit for its silence: the others then stand still for as long as the rule says.
local ours = profile() == "default"
local function draw(list) return list[math.random(#list)] end
local p, p1, p2 = math.random(1, 10), math.random(1, 10), math.random(1, 10)
local size = draw { "5KiB", "8KiB", "20KiB" }
local silence = math.random(16, 40)

network { latency = "10ms", rate = "8Mbit" }

local bulk = reactor { name = "bulk", channels = {
  { id = 0x30, priority = p1, send_queue_capacity = 100 },
  { id = 0x31, priority = p2, send_queue_capacity = 100 },
  { id = 0x32, priority = p,  send_queue_capacity = 100 } } }
local a = node { name = "a", reactors = { bulk }, p2p = { send_rate = 0, recv_rate = 0 } }
local b = node { name = "b", reactors = { bulk }, p2p = { send_rate = 0, recv_rate = 0 } }
start(a, b)
connect(a, b)

-- It is awake for the first 25 s, silent, and awake again.
local SLEEPS, WAKES = 25, 25 + silence
traffic { from = a, to = b, channel = 0x30, size = size, saturate = true }
traffic { from = a, to = b, channel = 0x31, size = size, saturate = true }
traffic { from = a, to = b, channel = 0x32, size = size, saturate = true, before = SLEEPS }
traffic { from = a, to = b, channel = 0x32, size = size, saturate = true, after = WAKES }

-- 2 s / ln 1.25 * ln(1 + x), with x the share of its priority in the others', times what the silence has left of its counter.
local function blackout()
  local left = 1
  for _ = 1, silence // 2 do left = left * 0.8 end
  local x = p / (p1 + p2) * (1 - left)
  local z = x / (2 + x) -- ln(1 + x) = 2 (z + z^3/3 + z^5/5 + ...)
  local sum, term = 0, z
  for k = 1, 61, 2 do
    sum = sum + term / k
    term = term * z * z
  end
  return 2 / 0.22314355131421 * 2 * sum
end

local warm  = ours and 3 or 15
local first = measure { from = a, to = b, after = warm, before = SLEEPS, name = "awake" }
local quiet = measure { from = a, to = b, after = SLEEPS + (ours and 3 or 12), before = WAKES, name = "silent", channels = { 0x30, 0x31 } }
local wake  = measure { from = a, to = b, after = WAKES, before = WAKES + 25, name = "woken" }

at_end { "three channels share by their priorities", function() return first:share_error() <= 0.05, ("error %.3f"):format(first:share_error()) end }
at_end { "two share while the third sleeps", function() return silence < 20 or quiet:share_error() <= 0.05, ("error %.3f"):format(quiet:share_error()) end }
at_end { "the wake-up costs the others what the rule says", function()
  local gap = math.max(wake:longest_gap(0x30), wake:longest_gap(0x31))
  local expected = ours and 0 or blackout()
  return math.abs(gap - expected) <= 0.5 + 0.1 * expected, ("they wait for %.2f s, the rule says %.2f s"):format(gap, expected)
end }
at_end { "who wakes is served at once", function() return wake:longest_gap(0x32) <= 0.7, ("waits for %.2f s"):format(wake:longest_gap(0x32)) end }
run_for(WAKES + 26)
