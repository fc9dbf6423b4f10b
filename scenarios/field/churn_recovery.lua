-- Every node leaves after twenty minutes in the mean and is away for two: one in twenty goes each minute. Those that are there must
-- keep their outbound peers.
-- Reported in the field: the post-mortem of tendermint v0.35, tendermint#8819: nodes that lost peers faster than they found new ones.
-- Quick: nodes=40
local N = param("nodes", 60, "nodes", { min = 20 })
local K = param("outbound", 8, "outbound peers of each")
local share = param("share", 0.9, "of the outbound peers that there must be in the mean")

network { regions = { "us-east", "eu-west", "ap-southeast" }, loss = "0.1%", tcp = "none" }

local seed  = node { name = "seed", p2p = { seed_mode = true } }
local peers = nodes { name = "n", count = N, p2p = { seeds = { seed }, max_num_outbound_peers = K } }
seed:start()
peers:start { within = "30s" }
churn { nodes = peers, session = { "exponential", min = "1s", mean = "20m" }, downtime = { "exponential", min = "5s", mean = "2m" }, after = "5m", before = "65m" }

-- Of those that have been there for two minutes.
local since, sum, looks, worst, gone = {}, 0, 0, 1, 0
every("10s", function()
  local have, want = 0, 0
  for i, n in ipairs(peers) do
    since[i] = n.running and (since[i] or now()) or nil
    if since[i] and now() - since[i] >= 120 then have, want = have + n:num_peers("outbound"), want + K end
  end
  if now() > 420 and now() < 3900 and want > 0 then
    sum, looks, worst = sum + have / want, looks + 1, math.min(worst, have / want)
  end
end)
watch { peers, events = "peer_removed", function() gone = gone + 1 end }
at_end { ("%g %% of the outbound peers are there"):format(100 * share), function()
  return sum / looks >= share, ("%.1f %% in the mean, %.1f %% at worst"):format(100 * sum / looks, 100 * worst)
end }
at_end { "and peers went all the time", function() return gone > 20 * N, ("%d"):format(gone) end }
plot { "outbound peers", every = "10s", percentiles = { 5, 50, 95 }, function()
  return peers:filter(function(n) return n.running end):map(function(n) return n:num_peers("outbound") end)
end }
run_for "66m"
log("%.1f %% of the outbound peers in the mean, %.1f %% at worst; %d peers went", 100 * sum / looks, 100 * worst, gone)
