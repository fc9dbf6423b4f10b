-- A hub restarts, and two hundred nodes that name it as a persistent peer dial it at once; another node has fifty persistent peers
-- that are away for an hour. Dials must spread over time, stay few, and bring everybody back.
-- Reported in the field: cometbft#3267 (redialling peers that are away degrades a node), tendermint#8415, sei-chain#750.
-- Quick: nodes=100
local N = param("nodes", 200, "nodes of the hub", { min = 10 })

network { latency = "uniform(10ms, 80ms)", tcp = "none" }

local Quiet  = reactor { name = "quiet", channels = { { id = 0x70 } } }
local quiet  = { Quiet }
local hub    = node { name = "hub", reactors = quiet, p2p = { pex = false, max_num_inbound_peers = N } }
local nodes_ = nodes { name = "n", count = N, reactors = quiet, p2p = { pex = false, persistent_peers = { hub } } }
local away   = nodes { name = "away", count = 50, reactors = quiet, p2p = { pex = false } }
local patient = node { name = "patient", reactors = quiet, p2p = { pex = false, persistent_peers = { away } } }
start(hub, nodes_, patient) -- the fifty are not there yet
at("10m", function() hub:restart { after = "30s" } end)
at("1h", function() away:start() end)

-- Dials in each second: of the nodes from two seconds after the hub's end on, of the patient one from its fourth minute on.
local storm, drip, most_storm, most_drip, drips = {}, {}, 0, 0, 0
watch { nodes_, events = "dial", function()
  local t = now() // 1
  if t < 602 then return end
  storm[t] = (storm[t] or 0) + 1
  most_storm = math.max(most_storm, storm[t])
end }
watch { patient, events = "dial", function()
  local t = now() // 1
  if t < 240 or t >= 3600 then return end
  drip[t] = (drip[t] or 0) + 1
  most_drip, drips = math.max(most_drip, drip[t]), drips + 1
end }
local back, found
every("1s", function()
  if now() > 631 and not back and hub:num_peers() == N then back = now() - 630 end
  if now() > 3600 and not found and patient:num_peers() == 50 then found = now() - 3600 end
end)

eventually { "everybody is the hub's peer", within = "10s", function() return hub:num_peers() == N end }
at_end { "and is again within 15 s of its return", function() return back and back <= 15, ("%.0f s"):format(back or -1) end }
at_end { "no second has more than half of the nodes dial", function() return most_storm <= N / 2, ("%d of %d"):format(most_storm, N) end }
at_end { "peers that are away cost less than two dials a second", function()
  return drips < 2 * 3360 and most_drip <= 25, ("%.2f a second, at most %d in one"):format(drips / 3360, most_drip)
end }
at_end { "and are found", function() return found end }
plot { "peers", every = "10s", function() return { hub = hub:num_peers(), patient = patient:num_peers() } end }
run_for "3h"
log("the hub had its peers again after %.0f s, %d dials in one second at most; fifty peers away: %.2f dials a second; found after %.0f s",
  back or -1, most_storm, drips / 3360, found or -1)
