-- A network with hardly a free slot, where everything fails: who is whose peer stays within the rules at each look. Nodes are dialled
-- from both sides at once, restarted, crashed, cut off, reset; a validator keeps to its sentries, two nodes keep to each other. When
-- the faults are over, everybody who is to have a peer has it again, and every slot can be used by somebody new.
local rules = require "lib.rules"
local N     = param("nodes", 7, "ordinary nodes", { min = 4 })
local CALM  = param("calm", 300, "seconds until the faults are over", { min = 60 })
local IN, OUT = 3, 3

network { latency = { "exponential", min = "5ms", mean = "40ms", max = "1s" }, loss = "0.5%" }

-- What reactors ask for is held to the outbound limit, unlike what an operator asks for (node:dial).
local Asker = reactor { name = "asker", channels = {} }
function Asker:timer() for _, n in ipairs(self.wanted) do if not self.node:has_peer(n) then self.node:dial(n) end end self:set_timer(1, "5s") end
function Asker:start() self.wanted = {} self:set_timer(1, "5s") end

local C    = { rules.Census, Asker }
local seed = node { name = "seed", reactors = C, p2p = { seed_mode = true, max_num_inbound_peers = 4, max_num_outbound_peers = OUT } }
local val  = node { name = "val", reactors = C, p2p = { pex = false, persistent_peers = { "s1", "s2" }, max_num_inbound_peers = 1 } }
local function ordinary(name, more)
  more.seeds, more.max_num_inbound_peers, more.max_num_outbound_peers = { seed }, IN, OUT
  return node { name = name, reactors = C, p2p = more }
end
local s1 = ordinary("s1", { unconditional_peer_ids = { val }, private_peer_ids = { val }, persistent_peers = { "s2" } })
local s2 = ordinary("s2", { unconditional_peer_ids = { val, "s1" }, private_peer_ids = { val } })
-- Each of these two dials the other. Neither counts the other, so that there is always room.
local t1 = ordinary("t1", { persistent_peers = { "t2" }, unconditional_peer_ids = { "t2" } })
local t2 = ordinary("t2", { persistent_peers = { "t1" }, unconditional_peer_ids = { "t1" } })
local crowd = group()
for i = 1, N do crowd = group(crowd, ordinary("n" .. i, {})) end
local public = group(s1, s2, t1, t2, crowd)
local all    = group(seed, val, public)

-- Who is left at the end, and who then comes to each of them.
local subjects = group(crowd[1], crowd[2], s1)
local callers, callees = {}, {}
for i = 1, #subjects do
  callers[i] = nodes { name = "in" .. i .. "-", count = IN, reactors = C, p2p = { pex = false, max_num_outbound_peers = 1 } }
  callees[i] = nodes { name = "out" .. i .. "-", count = OUT, reactors = C, p2p = { pex = false, max_num_inbound_peers = 1 } }
end

all:start { within = "5s" }
chaos { nodes = all, every = "5s", after = "10s", before = CALM, duration = { "1s", "40s" },
  ops = { "partition", "blackhole", "refuse", "reset", "link", "restart", "syn_drop", "hold", "half_open", "pause", "cpu",
          "slow_reader", "short_io", "unreachable", "power_off" } }
buggify { nodes = all }

-- Dials from both sides at once, and more of them than there are slots.
every("5s", function()
  for _, n in ipairs(public) do
    if n.running then n.reactors.asker.wanted = now() < CALM and public:without(n):random(math.random(OUT + 2)) or {} end
  end
  return now() < CALM
end)
-- A validator's sentry may be the one that dials.
every("7s", function() if now() > CALM then return false end (math.random(2) == 1 and s1 or s2):dial(val) end)

rules.peers(all)
local listed = { s1 = { s2 = true }, t1 = { t2 = true }, t2 = { t1 = true } }
rules.each(public, "inbound slots are no more than allowed", function(n)
  local count = 0
  for _, p in ipairs(n:peers("inbound")) do if not p.unconditional and not (listed[n.name] or {})[p.name] then count = count + 1 end end
  return count <= IN, count .. " inbound"
end, { every = "250ms" })

-- One more for the peer that comes back in the place of another (D-32). Upstream's switch dials whatever it is told to.
if profile() == "default" then
  rules.each(crowd, "outbound slots are no more than allowed, dials in flight included", function(n)
    local count = n:num_peers("outbound") + n:num_peers("dialling")
    return count <= OUT + 1 and n:num_peers("outbound") <= OUT + 1, count .. " outbound"
  end, { every = "250ms" })
end

-- Pings find out within 105 s; a node that stood still for 40 s, or runs slowly, takes longer.
local alone = {}
rules.each(all, "no peer is there for one side only", function(n)
  local seen = {}
  for _, p in ipairs(n:peers()) do
    local key = n.name .. " " .. p.id
    local other = p.node
    if other and not (other.running and other:has_peer(n)) then seen[key] = alone[key] or now() end
    if seen[key] and now() - seen[key] > 240 then return false, ("%s has not had it for 4 minutes"):format(p.name) end
  end
  for _, p in ipairs(all) do local key = n.name .. " " .. p.id alone[key] = seen[key] end
end)

local function together() return val:has_peer(s1) and val:has_peer(s2) and s1:has_peer(s2) and t1:has_peer(t2) end
eventually { "who is persistent is back", after = CALM, within = "3m", together }
-- Whoever of the two dialled the connection that now ends.
at(CALM + 180, function() reset(val, group(s1, s2)) reset(s1, s2) reset(t1, t2) end)
eventually { "and comes back again", after = CALM + 182, within = "60s", together }
for _, n in ipairs(public) do
  eventually { n.name .. " has all its dials answered", after = CALM + 200, within = "100s",
    function() return n.running and n:num_peers("dialling") == 0 end }
end

-- Everybody else goes. What is free then must be free.
local T = CALM + 300
at(T, function()
  for _, n in ipairs(all) do
    local stays = false
    for _, s in ipairs(subjects) do stays = stays or n == s end
    if not stays then n:stop() end
  end
  for i in ipairs(subjects) do callers[i]:start() callees[i]:start() end
end)
for i, s in ipairs(subjects) do
  at(T + 2, function() for _, p in ipairs(s:peers()) do p:stop() end end)
  at(T + 40, function()
    s.reactors.asker.wanted = callees[i]
    for _, n in ipairs(callers[i]) do n.reactors.asker.wanted = { s } end
  end)
  eventually { s.name .. " has room for newcomers in every slot", after = T + 60, within = "3m",
    function() return s:num_peers("inbound") >= IN and s:num_peers("outbound") >= OUT end }
end

plot { "peers over time", every = "2s", percentiles = { 5, 50, 95 },
  function() return all:map(function(n) return n:num_peers() end) end }
run_for(T + 240)
