-- The operators' acceptance test of a seed: an empty node that knows one seed, 90 seconds, how many addresses it has, and how
-- many of them can be connected to. The network is one where most advertised addresses are dead.
-- Quick: addresses=300
local stale = require "lib.stale"
local N     = param("addresses", 1000, "addresses that are advertised", { min = 100 })
local dead  = param("dead", 0.8, "share of them that is dead", { min = 0, max = 0.95 })
local later = param("after", 300, "seconds that the seed has run by then")
local least = param("peers", 8, "outbound peers that the node must have after 90 s (upstream: any number)")

network { regions = { "us-east", "eu-west", "ap-southeast" }, loss = "0.1%" }

local seed, live, reachable = stale.network(N, dead)
seed:start()
live:start { within = "60s" }

local told, told_up, count, up
local asker = node { name = "asker", profile = "upstream", p2p = { max_num_outbound_peers = 0 } }
local new   = node { name = "new", p2p = { seeds = { seed } } }
at(later, function()
  asker:start()
  asker:dial(seed)
  new:start()
end)
at(later + 90, function()
  told, told_up = stale.count(asker.book, reachable)
  count, up = stale.count(new.book, reachable)
end)

at_end { "the node has been answered", function() return count > 0 and told > 0 end }
if profile() == "default" then
  at_end { ("it has %d outbound peers"):format(least), function()
    return new:num_peers("outbound") >= least, ("%d"):format(new:num_peers("outbound"))
  end }
end

plot { "outbound peers", every = "1s", function() return new:num_peers("outbound") end }

run_for(later + 91)
log("the seed's answer: %d addresses, %.1f %% connectable", told, 100 * told_up / math.max(told, 1))
log("after 90 s: %d addresses, %.1f %% connectable, %d outbound peers", count, 100 * up / math.max(count, 1), new:num_peers("outbound"))
