-- A seed whose slots are wanted by many that ask for nothing: a newcomer is answered all the same.
-- Reported in the field: nodes with full books, or with the seed among their persistent peers, keep its slots for 28 h,
-- and newcomers find none.
-- Fails in: upstream, upstream-v0.38
-- Quick: nodes=200 newcomers=20
local N     = param("nodes", 2000, "nodes that connect to the seed and never ask", { min = 10 })
local K     = param("newcomers", 100, "newcomers, one a second", { min = 1 })
local limit = param("within", 5, "seconds within which 99 of 100 newcomers are answered")
local slots = param("slots", 40, "inbound slots of the seed (CometBFT's default)", { min = 4 })
local wait  = param("wait", profile() == "default" and "5m" or "28h", "seed_disconnect_wait_period of the seed")

network { regions = { "us-east", "eu-west", "ap-southeast" } }

-- It speaks on the channel of peer exchange, so that the seed takes it, and says nothing there. It comes back when it is sent away.
local Silent = reactor { name = "silent", channels = { { id = 0x00, priority = 1 } } }

local seed = node { name = "seed", book = { "old" },
  p2p = { seed_mode = true, max_num_inbound_peers = slots, seed_disconnect_wait_period = wait } }
local old  = node { name = "old", p2p = { max_num_outbound_peers = 0 } }
local hogs = nodes { name = "hog", count = N, profile = "upstream", reactors = { Silent }, p2p = { pex = false, persistent_peers = { seed } } }
local new  = nodes { name = "new", count = K, profile = "upstream", p2p = { seeds = { seed }, max_num_outbound_peers = 3 } }

start(seed, old)
hogs:start { within = "60s" }

local waited = {}
for i, n in ipairs(new) do
  at(90 + i, function()
    n:start()
    spawn(function()
      local began = now()
      repeat sleep(0.1) until n.book:size() > 0 or now() - began > 60
      waited[#waited + 1] = n.book:size() > 0 and now() - began or 60
    end)
  end)
end

local function percentile(p)
  local sorted = {}
  for i, t in ipairs(waited) do sorted[i] = t end
  table.sort(sorted)
  return sorted[math.max(1, math.ceil(p * #sorted / 100))] or 60
end

at_end { ("99 of 100 newcomers are answered within %g s"):format(limit), function()
  return #waited == K and percentile(99) <= limit, ("p50 %.1f s, p99 %.1f s"):format(percentile(50), percentile(99))
end }
always { "the seed's limits hold", every = "1s", function()
  return seed:num_peers("inbound") <= slots and seed:num_peers("outbound") <= 10
end }
-- Who is crawled is let go: the seed holds nobody else's slot, either.
always { "the seed's connections return", every = "5s", function()
  for _, p in ipairs(seed:peers("outbound")) do
    if p:status().age > 15 then return false, ("%s after %.0f s"):format(p.name, p:status().age) end
  end
  return true
end }

plot { "slots of the seed", every = "1s", function()
  return { inbound = seed:num_peers("inbound"), outbound = seed:num_peers("outbound") }
end }
plot { "answered newcomers", every = "1s", function() return #waited end }

run_for(90 + K + 62)
log("%d newcomers, p50 %.1f s, p99 %.1f s", #waited, percentile(50), percentile(99))
