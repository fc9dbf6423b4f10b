-- A seed in a network where most advertised addresses are dead: what it hands out can be connected to.
-- Reported in the field: of what public seeds serve about 12 % answers. Upstream's seed serves what it has heard of.
-- Fails in: upstream, upstream-v0.38
-- Quick: addresses=300 askers=5
local stale = require "lib.stale"
local N     = param("addresses", 1000, "addresses that are advertised", { min = 100 })
local dead  = param("dead", 0.8, "share of them that is dead", { min = 0, max = 0.95 })
local asks  = param("askers", 20, "newcomers that ask the seed, one every 30 s from the fifth minute on", { min = 1 })
local good  = param("connectable", 0.9, "share of what is handed out that must be connectable")

network { regions = { "us-east", "eu-west", "ap-southeast" }, loss = "0.1%" }

local seed, live, reachable = stale.network(N, dead)
seed:start()
live:start { within = "60s" }

-- A newcomer dials the seed itself and nobody else: its book is what it was told. It stays, and may be told to the next ones.
local newcomers = nodes { name = "new", count = asks, profile = "upstream", p2p = { max_num_outbound_peers = 0 } }
local answers, told, up = 0, 0, 0
for i, n in ipairs(newcomers) do
  reachable[n.address] = n
  at(300 + 30 * (i - 1), function()
    n:start()
    n:dial(seed)
  end)
  at(300 + 30 * i - 1, function()
    local count, connectable = stale.count(n.book, reachable)
    told, up, answers = told + count, up + connectable, answers + (count > 0 and 1 or 0)
    metric("served", count, { node = n.name })
    metric("served_connectable", connectable, { node = n.name })
  end)
end

at_end { "every newcomer is answered", function() return answers == asks, ("%d of %d"):format(answers, asks) end }
at_end { ("%g %% of what the seed hands out is connectable"):format(100 * good), function()
  return told > 0 and up >= good * told, ("%d of %d, %.1f %%"):format(up, told, 100 * up / math.max(told, 1))
end }
at_end { "and it is not a handful", function()
  return told >= asks * math.min(32, #live // 2), ("%.1f an answer"):format(told / asks)
end }

plot { "addresses of the seed", every = "5s", function()
  local c = seed.book:counts()
  return { known = c.total, verified = c.verified }
end }

run_for(300 + 30 * asks + 1)
log("%d answers, %.1f addresses each, %.1f %% connectable", answers, told / asks, 100 * up / math.max(told, 1))
