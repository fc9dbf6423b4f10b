-- Hosts connect to a node, say nothing, and connect again when they are sent away. An unconditional peer, a persistent one and an
-- ordinary one must get in all the same.
-- Reported in the field: tendermint#4753 (no limit on connections), tendermint#2211, tendermint#3738. CometBFT's listener counts
-- connections before it knows who it is.
-- Fails in: upstream, upstream-v0.38
local idle  = param("idle", 300, "hosts that connect and are idle", { min = 40, max = 2000 })
local limit = param("within", 10, "seconds within which a peer must be in")

network { latency = "40ms", tcp = "none" }

local n        = node { name = "n", p2p = { unconditional_peer_ids = { "mine" }, persistent_peers = { "pal" } } }
local mine     = node { name = "mine", p2p = { persistent_peers = { n } } }
local pal      = node { name = "pal", p2p = { persistent_peers = { n } } }
local ordinary = node { name = "ordinary", p2p = { persistent_peers = { n } } }
local hosts    = strangers { name = "idle", count = idle }
n:start()
unreachable(group(mine, pal, ordinary)) -- they dial, and n cannot

local conns, made = {}, 0
every("50ms", function()
  for i, host in ipairs(hosts) do
    if not conns[i] or conns[i]:state() == "closed" then conns[i], made = host:connect(n), made + 1 end
  end
end, { after = "1s" })

local began, waited = {}, {}
for i, peer in ipairs { mine, pal, ordinary } do
  at(30 * i, function() peer:start() began[peer.name] = now() end)
end
every("100ms", function()
  for _, peer in ipairs { mine, pal, ordinary } do
    if began[peer.name] and not waited[peer.name] and n:has_peer(peer) then waited[peer.name] = now() - began[peer.name] end
  end
end)

-- A persistent peer is dialled within 3 s of the start.
local function in_time(peer) return waited[peer.name] and waited[peer.name] <= limit, ("%.1f s"):format(waited[peer.name] or -1) end
at_end { "an unconditional peer gets in", function() return in_time(mine) end }
at_end { "a persistent peer gets in", function() return in_time(pal) end }
at_end { "an ordinary peer gets in", function() return in_time(ordinary) end }
at_end { "the idle ones were at it all the time", function() return made > 2 * idle, tostring(made) end }
run_for "150s"
local function told(peer) return waited[peer.name] and ("%.1f s"):format(waited[peer.name]) or "never" end
log("%d idle connections; unconditional peer %s, persistent %s, ordinary %s", made, told(mine), told(pal), told(ordinary))
