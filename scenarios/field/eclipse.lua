-- Somebody with one /24 runs hundreds of nodes in it, which connect to everybody and tell of each other. A node that restarts with
-- the book that it has by then must not be surrounded.
-- Reported in the field: tendermint#4846 (one lease in every book ten thousand times), tendermint#1581.
-- Fails in: upstream, upstream-v0.38
local pex   = require "lib.pex"
local sybil = param("sybils", 120, "nodes of the one who surrounds, all in one /24", { min = 10, max = 250 })
local N     = param("honest", 30, "honest nodes", { min = 10 })
local most  = param("share", 0.3, "of the outbound peers that may be the attacker's")

network { latency = "50ms", tcp = "none" }

local seed   = node { name = "seed", p2p = { seed_mode = true } }
-- What `switchyard node` has in default (D-34): 16 places for a /24.
local p2p    = { seeds = { seed }, max_inbound_per_net = profile() == "default" and 16 or 0 }
local honest = nodes { name = "h", count = N, p2p = p2p }
local victim = node { name = "victim", p2p = p2p }

local list, lie = {}, nil
local Liar = reactor { name = "liar", channels = { pex.channel } }
function Liar:receive(peer, channel, msg) if pex.is_request(msg) then peer:try_send(0x00, lie) end end
local sybils = {}
for i = 1, sybil do
  sybils[i] = node { name = "s" .. i, ip = "66.77.88." .. i, reactors = { Liar }, p2p = { pex = false, max_num_outbound_peers = 50 } }
  list[i] = sybils[i].address
end
lie = pex.addrs(list)
sybils = group(sybils)

start(seed)
group(honest, victim):start { within = "20s" }
at("1m", function() sybils:start() end)
-- Each of them dials everybody, in turn.
for i = 1, sybil do
  local k = i
  every("10s", function()
    k = k % (N + 1) + 1
    local to = k <= N and honest[k] or victim
    if to.running then sybils[i]:dial(to) end
    return now() < 1800
  end, { after = 60 + i / 20 })
end
at("30m", function() victim:restart() end)

local function theirs(n)
  local k = 0
  for _, p in ipairs(n:peers("outbound")) do if p.address:find("@66.77.88.", 1, true) then k = k + 1 end end
  return k
end
local function in_book()
  local k = 0
  for _, a in ipairs(victim.book:addresses()) do if a:find("@66.77.88.", 1, true) then k = k + 1 end end
  return k
end
local at_restart
at("29m", function() at_restart = in_book() end)
eventually { "the node has ten outbound peers after its restart", after = "30m", within = "10m", function() return victim:num_peers("outbound") >= 10 end }
at_end { "an honest one among them", function() return victim:num_peers("outbound") > theirs(victim) end }
at_end { ("at most %g %% of them are the attacker's"):format(100 * most), function()
  return theirs(victim) <= most * victim:num_peers("outbound"), ("%d of %d"):format(theirs(victim), victim:num_peers("outbound"))
end }
plot { "outbound peers of the node", every = "30s", function() return { all = victim:num_peers("outbound"), attacker = theirs(victim) } end }
run_for "45m"
log("%d of %d outbound peers are the attacker's; %d of %d addresses in its book", theirs(victim), victim:num_peers("outbound"), in_book(), victim.book:size())
