-- Ten nodes start with a book from better times: nine of ten addresses are dead. They must fill their outbound slots soon.
-- Reported in the field: classic-terra/core#143, chain-main#344: nodes with old books stay without peers.
-- Fails in: upstream, upstream-v0.38
local stale = require "lib.stale"
local N    = param("addresses", 300, "addresses in the book", { min = 50 })
local dead = param("dead", 0.9, "share of them that is dead, half of it refuses and half does not answer", { min = 0, max = 0.99 })
local T    = param("within", 400, "seconds within which a node has ten outbound peers in the mean")

network { latency = "60ms", loss = "0.1%", tcp = "none" }

-- Nobody learns a new address: what counts is how the ones that there are are tried.
local D    = math.floor(N * dead)
local live = nodes { name = "live", count = N - D, p2p = { max_num_outbound_peers = 0 } }
local old  = nodes { name = "n", count = 10, p2p = { external_address = "tcp://10.9.9.9:26656" },
  book = { live, stale.nowhere(D // 2), nodes { name = "closed", count = D - D // 2 } } }
start(live, old)

local full, dials = {}, 0
watch { old, events = "dial", function() dials = dials + 1 end }
every("1s", function()
  for _, n in ipairs(old) do
    if not full[n.name] and n:num_peers("outbound") >= 10 then full[n.name] = now() end
  end
end)
local function mean()
  local sum = 0
  for _, n in ipairs(old) do sum = sum + (full[n.name] or 3600) end
  return sum / #old
end

at_end { ("ten outbound peers within %g s in the mean"):format(T), function() return mean() <= T, ("%.0f s"):format(mean()) end }
at_end { "within the hour everywhere", function() return old:all(function(n) return full[n.name] end) end }
plot { "outbound peers", every = "5s", percentiles = { 5, 50, 95 }, function() return old:map(function(n) return n:num_peers("outbound") end) end }
run_for "1h"
log("ten outbound peers after %.0f s in the mean, with %.0f dials a node", mean(), dials / #old)
