-- Three hundred nodes live with one provider, all in one /16, where a book has places for 260 that it knows to be good. A validator
-- hears of them from many and finds most of them good, while connections break and it is restarted: it forgets nobody.
local rules, pex = require "lib.rules", require "lib.pex"
-- What one of them tells falls into one bucket, which holds 65: three may share it.
local T = param("tellers", 15, "nodes that tell of them", { min = 10, max = 30 })
local M = param("told", 20, "addresses that each of them tells", { min = 10, max = 21 })
local ours = profile() == "default"

network { latency = { "exponential", min = "5ms", mean = "30ms", max = "300ms" }, loss = "0.2%" }

local provider, place = {}, {}
for i = 1, T * M do
  provider[i] = node { name = "p" .. i, ip = ("44.44.%d.%d"):format(i // 200, i % 200 + 1), reactors = { rules.Census }, p2p = { pex = false } }
  place[provider[i].id] = i
end

-- Each tells of its own part.
local Raw = pex.reactor("raw")
function Raw:asked(peer)
  local mine, from = {}, (self.node.index - T * M - 2) * M
  for i = from + 1, from + M do mine[#mine + 1] = provider[i].address end
  self:tell(peer, mine)
end
local val = node { name = "val", reactors = { rules.Census }, p2p = { max_num_outbound_peers = 3, max_num_inbound_peers = T } }
local tellers = nodes { name = "t", count = T, reactors = { rules.Census, Raw }, p2p = { pex = false, persistent_peers = { val } } }
start(val, tellers, provider)
chaos { nodes = group(val, tellers), every = "10s", after = "20s", before = "8m", duration = { "1s", "20s" },
  ops = { reset = 4, refuse = 1, syn_drop = 1, half_open = 1, short_io = 1, hold = 1 } }
buggify { nodes = group(val, tellers), points = { "short_write", "short_read", "no_room", "late_event", "late_timer", "one_frame" } }

-- Whoever is useful is marked good, and makes room for the next.
every("300ms", function()
  if val.running then val:dial(provider[math.random(#provider)]) end
  for _, p in ipairs(val:peers(function(p) return place[p.id] end)) do
    if p:status().age > 0.5 then p:mark_good() p:stop() end
  end
  return now() < 540
end)
spawn(function()
  while now() < 480 do
    sleep(math.random(30, 120))
    val:restart { after = math.random(1, 5) }
    sleep(6)
  end
end)

rules.peers(group(val, tellers))
always { "honest nodes keep to the rules of PEX", function() return not pex.broken, pex.broken end }
local known = {}
rules.each(group(val), ours and "nobody is forgotten" or "no bucket holds more than it may", function(n)
  local there, count = {}, 0
  for _, a in ipairs(n.book:addresses()) do there[a:sub(1, 40)] = true end
  for id in pairs(known) do
    if ours and not there[id] then return false, provider[place[id]].name end
  end
  for id in pairs(there) do if place[id] then known[id] = true count = count + 1 end end
  return n.book:counts().old <= T + 260, n.book:counts().old .. " known to be good" -- 4 old buckets a group, 65 in each
end, { every = "2s" })
-- Upstream asks one peer at a time.
at_end { "many are heard of, and found to be good", function()
  local count = 0
  for _ in pairs(known) do count = count + 1 end
  local good = val.book:counts().old
  return count > (ours and T * M // 2 or 0) and good > (ours and 100 or 0), ("%d of %d, %d good"):format(count, T * M, good)
end }

plot { "addresses", every = "5s", function() local c = val.book:counts() return { new = c.new, old = c.old } end }
run_for "10m"
