-- A storm of large transactions fills all links of a proposer while it has a block to spread: the last part must be everywhere before
-- the others give its round up.
-- Reported in the field: the "p2p storms" of November 2023 (forum.cosmos.network 12040), tendermint#5816, cometbft#2954.
local K     = param("peers", 2, "peers of the proposer", { min = 1 })
local limit = param("within", 3, "seconds: CometBFT's timeout_propose")

network { latency = "40ms", rate = "4Mbit" }

local Load = reactor { name = "load", channels = {
  { id = 0x21, priority = 10, send_queue_capacity = 50 }, -- block parts
  { id = 0x22, priority = 7, send_queue_capacity = 100 },
  { id = 0x30, priority = 5, send_queue_capacity = 4 } } } -- transactions
local p     = node { name = "proposer", reactors = { Load }, p2p = { pex = false } }
local peers = nodes { name = "n", count = K, reactors = { Load }, p2p = { pex = false, persistent_peers = { p } } }
start(p, peers)

traffic { from = p, to = peers, channel = 0x30, size = "1MB", saturate = true, after = "3s" }
traffic { from = peers, to = p, channel = 0x30, size = "1MB", saturate = true, after = "3s" }
-- A block of a quarter of a megabyte each ten seconds: four parts at once to everybody. Alone it takes half a second.
for t = 15, 35, 10 do
  at(t, function()
    for _, peer in ipairs(p:peers()) do
      for _ = 1, 4 do peer:try_send(0x21, ("b"):rep(65536)) end
    end
  end)
end
local flows = {}
for i, n in ipairs(peers) do flows[i] = measure { from = p, to = n, after = "14s" } end
local function worst()
  local d = 0
  for _, f in ipairs(flows) do d = math.max(d, f:delay(100, 0x21)) end
  return d
end
at_end { "a block is with everybody in time", function() return worst() <= limit, ("%.2f s"):format(worst()) end }
at_end { "all of it", function()
  for _, f in ipairs(flows) do if f:messages(0x21) ~= 12 then return false, tostring(f:messages(0x21)) end end
  return true
end }
at_end { "and the storm blew", function() return flows[1]:bytes(0x30) > 3e6 end }
plot.channels(flows[1])
run_for "45s"
log("the slowest part took %.2f s", worst())
