-- Address books through crashes, stops, full disks, torn saves, rot and clocks that jump: what was saved is there at the next start,
-- a ban holds until its time is over, also over a restart, and nobody's book or list ever has what must not be in it: its own address,
-- an id that it keeps private (from the first start on, or since a new configuration), one that it has banned.
local rules, pex = require "lib.rules", require "lib.pex"
local N    = param("nodes", 6, "ordinary nodes", { min = 5 })
local CALM = param("calm", 1200, "seconds until the faults are over", { min = 300 })
local ours = profile() == "default"
local DAY, HOUR = 24 * 3600, 3600
local SAVED = 245 -- seconds: a save each two minutes, and a failed one again after two; a timer may be late

network { latency = { "exponential", min = "5ms", mean = "30ms", max = "500ms" }, loss = "0.2%" }

-- Bans, as whom they concern would see them: until when by the wall clock of the node, and since when. A node looks at the wall
-- clock when it starts, and counts from there.
local ahead, jumped, bans = {}, {}, {} -- by node name: how far its clock is ahead for it, and by now; its bans by id
local function wall(n) return now() + ahead[n.name] end
local Watch = reactor { name = "watch", channels = {} }
function Watch:remove_peer(peer, why)
  if ours and why == "peer_pex_unsolicited" then bans[self.node.name][peer.id] = { till = wall(self.node) + DAY, since = now() } end
end

local W = { rules.Census, Watch }
local seed = node { name = "seed", reactors = W, p2p = { seed_mode = true, verify_interval = "1m", max_num_inbound_peers = 12 } }
local nodes_, hidden = group(), node { name = "hidden", p2p = { pex = false, persistent_peers = { "n1", "n2" } } }
for i = 1, N do
  nodes_ = group(nodes_, node { name = "n" .. i, reactors = W, p2p = { seeds = { seed }, max_num_outbound_peers = 3,
    unconditional_peer_ids = i < 3 and { hidden } or nil, private_peer_ids = i < 3 and { hidden } or nil } })
end
local public = group(seed, nodes_)
for _, n in ipairs(public) do ahead[n.name], jumped[n.name], bans[n.name] = 0, 0, {} end

-- Who is kept private by whom: its id may be in neither book nor list. n3 begins to keep two of whom it has heard, at a later start.
local private = { n1 = { [hidden.id] = true }, n2 = { [hidden.id] = true } }
local later = { "n4", "crook1" }

-- Some push lists at whom they meet, one reads what it is told, and remembers nothing.
local Raw = pex.reactor("raw")
local leaked
function Raw:begin() self:set_timer(1, math.random(3000) / 1000) end
function Raw:asked(peer) if self.node.name == "spy" then self:tell(peer, nodes_:map(function(n) return n.address end)) end end
function Raw:timer()
  self:set_timer(1, math.random(2000, 9000) / 1000)
  local to = public:random()
  if not self.node:has_peer(to) then self.node:dial(to) end
  for _, peer in ipairs(self.node:peers()) do
    local c = self.c[peer.id]
    if self.node.name == "spy" and (not c.last or now() - c.last > 40) then self:ask(peer)
    elseif self.node.name ~= "spy" and now() - c.since > 5 and math.random() < 0.3 then self:tell(peer, { self.node.address }) end
  end
end
function Raw:heard(peer, c, list)
  for _, a in ipairs(list) do
    local id = a:sub(1, 40)
    if (private[peer.name] or {})[id] then leaked = ("%s told %s of the private %s"):format(peer.name, self.node.name, a) end
    local ban = bans[peer.name][id]
    if ban and now() - ban.since > 30 and wall(peer.node) < ban.till - 2 then
      leaked = ("%s told %s of %s, whom it has banned"):format(peer.name, self.node.name, a)
    end
  end
end
local raws = group()
for _, name in ipairs { "spy", "crook1", "crook2", "crook3", "crook4" } do
  raws = group(raws, node { name = name, reactors = { rules.Census, Raw }, p2p = { pex = false, max_num_inbound_peers = 10 } })
end

public:start { within = "2s" }
group(hidden, raws):start { within = "30s" }
chaos { nodes = group(public, raws, hidden), every = "15s", after = "30s", before = CALM, duration = { "1s", "30s" },
  ops = { "reset", "refuse", "partition", "syn_drop", "half_open", "short_io" } }
buggify { nodes = public, points = { "short_write", "short_read", "no_room", "late_event", "late_timer", "one_frame" } }

-- What must be in a book: by node and id, since when it has been there; and since when the disk has taken every save whole.
local since, good, lost = {}, {}, nil
for _, n in ipairs(public) do since[n.name], good[n.name] = {}, 0 end
local function look(n)
  local seen = {}
  for _, a in ipairs(n.book:addresses()) do
    local id = a:sub(1, 40)
    seen[id] = since[n.name][id] or now()
  end
  since[n.name] = seen
end
every("5s", function() for _, n in ipairs(public) do if n.running then look(n) end end end)

-- Ends the node and starts it again: whatever must have been saved is there.
local function again(n, crash)
  look(n)
  local disk_is_good, due, old = good[n.name], crash and now() - SAVED or now(), n.book:counts().old
  local expected, down = {}, math.random(1, 20)
  for id, at in pairs(since[n.name]) do if disk_is_good and disk_is_good <= due and at <= due then expected[id] = true end end
  for id, ban in pairs(bans[n.name]) do if not (disk_is_good and disk_is_good <= due and ban.since <= due) then bans[n.name][id] = nil end end
  n:restart { after = down, crash = crash }
  sleep(0.5)
  local begins = n.name == "n3" and not private.n3 and now() > CALM / 3
  if begins then n:configure { private_peer_ids = later } end
  sleep(down - 0.49)
  if begins then private.n3 = { [nodes_[4].id] = true, [raws[2].id] = true } end
  good[n.name], ahead[n.name] = now(), jumped[n.name]
  if not n.running then return end
  for id in pairs(expected) do
    if not n.book:has(id) and not (private[n.name] or {})[id] and not bans[n.name][id] and not lost then
      lost = ("%s, %s at %.0f s, has lost %s"):format(n.name, crash and "crashed" or "stopped", now() - down, id)
    end
  end
  if not crash and disk_is_good and disk_is_good <= due and n.book:counts().old < old and not private[n.name] and not lost then
    lost = ("%s had %d good addresses, has %d"):format(n.name, old, n.book:counts().old)
  end
end

local function one_thing(n)
  local what = math.random(8)
  if what <= 2 then again(n, true)
  elseif what == 3 then again(n, false)
  elseif what == 4 then
    local g = good[n.name]
    good[n.name] = nil
    disk(n, { full = true }) sleep(math.random(5, 200)) disk(n)
    good[n.name] = g and now() -- what failed is saved again
    sleep(math.random(0, 60))
    again(n, false)
  elseif what == 5 then
    good[n.name] = nil -- it says that it has saved: only another start begins anew
    disk(n, { torn = true }) sleep(math.random(5, 150)) disk(n)
  elseif what == 6 then good[n.name] = nil rot(n)
  elseif what == 7 then good[n.name] = nil n:lose_disk()
  else
    local hours = math.random(3, 14)
    clock(n, { step = hours * HOUR })
    jumped[n.name] = jumped[n.name] + hours * HOUR
    sleep(math.random(0, 60))
    again(n, math.random(2) == 1)
  end
end
for _, n in ipairs(public) do
  spawn(function()
    sleep(math.random(40, 200))
    while now() < CALM - 250 do
      one_thing(n)
      sleep(math.random(20, 150))
      for _, p in ipairs(n:peers("outbound")) do if math.random() < 0.2 then p:mark_good() end end
    end
    again(n, true)
  end)
end
rules.peers(group(public, raws))
always { "honest nodes keep to the rules of PEX", function() return not pex.broken, pex.broken end }
always { "what was saved is there at the next start", function() return not lost, lost end }
always { "no list has what its sender may not tell", function() return not leaked, leaked end }
rules.each(public, "no book has its owner or who is private", function(n)
  if ours and n.book:has(n.id) then return false, "itself" end
  for id in pairs(private[n.name] or {}) do if n.book:has(id) then return false, "private: " .. id end end
end)
rules.each(public, "books count what they have", function(n)
  local c, list, seen = n.book:counts(), n.book:addresses(), {}
  for _, a in ipairs(list) do
    if a == n.address then return false, "itself" end
    if ours and seen[a:sub(1, 40)] then return false, "twice: " .. a end
    seen[a:sub(1, 40)] = true
  end
  return c.total == #list and c.new + c.old == #list and n.book:size() == #list, ("%d listed, %d new, %d old"):format(#list, c.new, c.old)
end)
rules.each(public, "a ban holds until its end", function(n)
  local count = 0
  for id, ban in pairs(bans[n.name]) do
    if wall(n) > ban.till - 2 then
      bans[n.name][id] = nil
    else
      count = count + 1
      if n:has_peer(id) then return false, ("%s is a peer again, %.1f h before"):format(n:peer(id).name, (ban.till - wall(n)) / HOUR) end
      if n.book:has(id) then return false, ("%s is in the book again, %.1f h before"):format(id, (ban.till - wall(n)) / HOUR) end
    end
  end
  return n.book:counts().banned >= count, ("%d bans, it knows of %d"):format(count, n.book:counts().banned)
end)
if ours then
  eventually { "everybody knows everybody again", after = CALM, within = "5m", function()
    return nodes_:all(function(n) return n.book:size() >= N - 3 end)
  end }
  -- Rot may have moved a good address: it takes ten failures until that is believed. Who is connected is not dialled.
  eventually { "the seed has seen them where they are", after = CALM, within = "5m", function()
    local there, right = {}, 0
    for _, a in ipairs(seed.book:addresses()) do there[a] = true end
    for _, n in ipairs(nodes_) do if there[n.address] and not seed:has_peer(n) then right = right + 1 end end
    return right >= N // 2 and seed.book:counts().verified >= right, ("%d of %d"):format(seed.book:counts().verified, right)
  end }
end

plot { "addresses", every = "5s", percentiles = { 5, 50, 95 }, function() return public.book:size() end }
run_for(CALM + 310)
