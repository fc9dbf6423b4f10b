-- Validators of one chain run two builds: one asks for addresses every 10 s, the other takes requests that come within 10 s for a
-- flood. Lines that jitter by some ten milliseconds decide who is banned, for a day.
-- Reported in the field: celestia-core#2139 (banned at 9.902 s, the network halted), cometbft#4620, tendermint#3338.
-- Fails in: upstream, upstream-v0.38
local jitter = param("jitter", 40, "deviation of the latency, milliseconds", { min = 0, max = 200 })

network { latency = ("normal(80ms, %dms)"):format(jitter), tcp = "none" }

local fast  = nodes { name = "fast", count = 3, book = { "fast1", "fast2", "fast3", "stock1", "stock2" }, p2p = { ensure_peers_period = "10s" } }
local stock = nodes { name = "stock", count = 2, book = { "fast1", "fast2", "fast3", "stock1", "stock2" } }
local all   = group(fast, stock)
all:start { within = "5s" }

local bans, first, pieces = 0, nil, 0
watch { all, events = "ban", function(node, e)
  if e.why ~= "peer_pex_flood" then return end
  bans, first = bans + 1, first or now()
end }
every("1s", function() pieces = pieces + (now() > 120 and graph.components(all) > 1 and 1 or 0) end)

never { "an honest validator is banned", function() return bans > 0, ("after %.1f s"):format(first or 0) end }
always { "everybody is everybody's peer", after = "2m", every = "5s", function()
  return all:all(function(n) return n:num_peers() == #all - 1 end)
end }
plot { "connections", every = "5s", function()
  local sum = 0
  for _, n in ipairs(all) do sum = sum + n:num_peers() end
  return sum / 2
end }
run_for "1h"
log("%d bans, the first after %.1f s; in pieces for %d s of an hour", bans, first or 0, pieces)
