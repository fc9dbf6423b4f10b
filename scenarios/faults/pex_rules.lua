-- Among honest nodes live some that break each rule of peer exchange, and some that only seem to: lists unasked, second answers,
-- addresses that are none, floods of requests; others are slow, silent, or ask in bursts as CometBFT v0.40 does. Who breaks a rule is
-- gone at once, in the default profile for a day; who breaks none is never blamed for anything. Resets and restarts give the slots of
-- connections to others all the time.
local rules, pex = require "lib.rules", require "lib.pex"
local N     = param("nodes", 5, "honest nodes", { min = 3 })
local CALM  = param("calm", 400, "seconds until the faults are over", { min = 60 })
local ours  = profile() == "default"

network { latency = { "exponential", min = "5ms", mean = "30ms", max = "500ms" }, loss = "0.2%" }

-- What the honest say of whom they have sent away, and why.
local blamed, ends = {}, { peer_pex_flood = true, peer_pex_unsolicited = true, peer_pex_bad_addr = true, banned = true }
local Watch = reactor { name = "watch", channels = {} }
function Watch:start() self.away = {} end
function Watch:remove_peer(peer, why)
  if not ends[why] then return end
  self.away[peer.id] = now()
  blamed[peer.name] = blamed[peer.name] or ("%s: %s"):format(self.node.name, why)
end

local R, W = { rules.Census }, { rules.Census, Watch }
local seed   = node { name = "seed", reactors = W, p2p = { seed_mode = true, max_num_inbound_peers = 8 } }
local honest = nodes { name = "n", count = N, reactors = W, p2p = { seeds = { seed }, max_num_inbound_peers = 12, max_num_outbound_peers = 3 } }
local targets = group(seed, honest)

-- Who is named here breaks a rule, once a connection; true: it has.
local NOWHERE = "00112233445566778899aabbccddeeff00112233@44.1.2.3:26656"
local function addresses() return honest:map(function(n) return n.address end) end
local ill = {
  pusher  = function(self, peer, c) return c.requests == 0 and self:tell(peer, addresses()) end,
  twice   = function(self, peer, c) return c.requests > 0 and self:tell(peer, addresses()) and self:tell(peer, { NOWHERE }) end,
  liar    = function(self, peer, c) return c.requests > 0 and self:tell(peer, { NOWHERE, (NOWHERE:gsub("26656", "70000")) }) end,
  flooder = function(self, peer, c) for _ = 1, 8 do self:ask(peer) end return c.asks >= 24 end,
}
-- And these only look odd. A request within 10 s of the one before it is forgiven by the default profile alone.
local odd = {
  patient = function(self, peer, c) if not c.last or now() - c.last > 30 then self:ask(peer) end end,
  bursts  = function(self, peer, c)
    if c.last and now() - c.last < (ours and 14 or 30) then return end
    for _ = 1, c.last and (ours and 4 or 1) or 2 do self:ask(peer) end
  end,
  mute    = function() end,
}

local Raw = pex.reactor("raw")
function Raw:begin() self.offended = {} self:set_timer(1, math.random(2000) / 1000) end
function Raw:asked(peer)
  if odd[self.node.name] and self.node.name ~= "mute" and math.random() < 0.8 then self:tell(peer, addresses()) end
end
function Raw:timer()
  self:set_timer(1, math.random(500, 3000) / 1000)
  local to = targets:random()
  if not self.node:has_peer(to) and now() < CALM then self.node:dial(to) end
  for _, peer in ipairs(self.node:peers()) do
    local c, name = self.c[peer.id], self.node.name
    if odd[name] then odd[name](self, peer, c)
    elseif now() - c.since > c.patience and not c.done and ill[name](self, peer, c) then c.done = now() end
    -- A list that crosses a request counts as its answer.
    if c.done and now() - c.done > 10 and (name == "liar" or name == "flooder" or c.told > c.requests) then self.offended[peer] = c.done end
  end
end
function Raw:came(peer, c) c.patience = math.random(0, 20) end

local raws = group()
for _, kind in ipairs { "pusher", "liar", "twice", "flooder", "patient", "bursts", "mute" } do
  raws = group(raws, node { name = kind, reactors = { rules.Census, Raw }, p2p = { pex = false, max_num_inbound_peers = 10 } })
end

targets:start { within = "2s" }
raws:start { within = "20s" }
chaos { nodes = group(targets, raws), every = "6s", after = "20s", before = CALM, duration = { "1s", "20s" },
  ops = { reset = 6, restart = 2, refuse = 1, syn_drop = 1, half_open = 1, short_io = 1 } }
buggify { nodes = group(targets, raws) }

rules.peers(group(targets, raws))
always { "honest nodes keep to the rules of PEX", function() return not pex.broken, pex.broken end }
-- v0.40 wakes itself with the answers of its seeds, asks again, and is blamed for it (D-20).
local blameless = group("patient", "bursts", "mute", profile() == "upstream" and group() or targets)
always { "who breaks no rule is blamed for none", function()
  for _, n in ipairs(blameless) do
    if blamed[n.name] then return false, ("%s by %s"):format(n.name, blamed[n.name]) end
  end
  return true
end }

-- On connections that live: a fault may keep an offence or its punishment from the other side until pings fail.
rules.each(raws, "who breaks a rule is sent away", function(n)
  for peer, at in pairs(n.reactors.raw.offended) do
    if peer:is_running() and now() - at > 130 then return false, "still a peer of " .. (peer.name or peer.id) end
  end
end)
if ours then
  rules.each(targets, "who was sent away is kept out while the node runs", function(n)
    for id, at in pairs(n.reactors.watch.away) do
      if n:has_peer(id) then return false, ("its peer again, %.1f s later: %s"):format(now() - at, n:peer(id).name) end
    end
  end)
end
rules.each(group("patient", "bursts"), "requests are answered", function(n)
  for _, c in pairs(n.reactors.raw.c) do
    if c.asks > c.lists and now() - c.last > 13 and now() - (c.answered or 0) > 130 and now() - c.since > 130 and c.peer:is_running() then
      return false, ("%s has answered %d of %d"):format(c.peer.name, c.lists, c.asks)
    end
  end
end)
at_end { "each rule was broken and punished", function()
  for name in pairs(ill) do if not blamed[name] then return false, name end end
  return true
end }
eventually { "the honest are whole", after = CALM, within = "3m",
  function() return honest:all(function(n) return n.running and n:num_peers() > 0 end) and graph.components(honest) == 1 end }

plot { "peers over time", every = "2s", percentiles = { 5, 50, 95 },
  function() return honest:map(function(n) return n:num_peers() end) end }
run_for(CALM + 200)
