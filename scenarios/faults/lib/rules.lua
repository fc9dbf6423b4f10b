-- What must hold of every node at every look, whatever happens to it: about its peers, their counts, and what its reactors are told.
local rules = {}

-- A check at each look and node: fn(node) returns false and why when it does not hold. Nodes that are down are passed over.
function rules.each(nodes, text, fn, opts)
  local check = { text, function()
    for _, n in ipairs(nodes) do
      if n.running then
        local ok, why = fn(n)
        if ok == false then return false, n.name .. ": " .. (why or "") end
      end
    end
    return true
  end }
  for k, v in pairs(opts or {}) do check[k] = v end
  always(check)
end

-- A reactor for all nodes of a scenario. It holds the switch to the grammar of callbacks: for each peer init_peer, then add_peer,
-- then remove_peer, messages in between, one connection a peer; at the end of the node everybody has been removed. Each peer is
-- greeted and answers, so that connections carry something. Handles of peers that are gone are kept and tried: they reach nobody.
rules.Census = reactor { name = "census", channels = { { id = 0x70, priority = 5, send_queue_capacity = 10 } } }
local Census, broken = rules.Census, nil

local function demand(self, holds, what, peer)
  if not holds and not broken then
    broken = ("%s: %s%s"):format(self.node.name, what, peer and (" (" .. (peer.name or peer.id) .. ")") or "")
  end
end

function Census:start() self.stage, self.gone, self.serial = {}, {}, 0 end

function Census:init_peer(peer)
  demand(self, not self.stage[peer.id], "init_peer before remove_peer of the connection before it", peer)
  demand(self, peer.id ~= self.node.id, "it is its own peer", peer)
  self.serial = self.serial + 1
  self.stage[peer.id] = { peer = peer, serial = self.serial }
end

function Census:add_peer(peer)
  local s = self.stage[peer.id]
  demand(self, s and s.peer == peer and not s.added, "add_peer without init_peer", peer)
  if s then s.added = true end
  peer:try_send(0x70, "hello")
end

function Census:remove_peer(peer, why)
  local s = self.stage[peer.id]
  demand(self, s and s.peer == peer, "remove_peer of somebody who was not there", peer)
  demand(self, #self.node:peers(function(p) return p.id == peer.id end) <= 1, "two connections to one peer", peer)
  self.stage[peer.id] = nil
  self.gone[self.serial % 8 + 1] = peer
end

function Census:receive(peer, channel, msg)
  local s = self.stage[peer.id]
  demand(self, s and s.peer == peer, "a message of somebody who is no peer", peer)
  if msg == "hello" then
    peer:try_send(0x70, "welcome")
    for _, old in pairs(self.gone) do
      demand(self, not old:is_running() and not old:try_send(0x70, "anybody there?"), "a peer that is gone takes a message", old)
    end
  else
    demand(self, msg == "welcome", "a message that nobody has sent: " .. msg, peer)
  end
end

function Census:stop()
  for _, s in pairs(self.stage) do demand(self, false, "never told that a peer is gone", s.peer) end
end

-- The reactors' grammar, the set of peers and its counts, for nodes that have a Census.
function rules.peers(nodes)
  always { "reactors are told of peers in order", function() return not broken, broken end }

  rules.each(nodes, "reactors and the node know the same peers", function(n)
    local known, count = n.reactors.census.stage, 0
    for _, p in ipairs(n:peers()) do
      if not known[p.id] or known[p.id].peer ~= p then return false, "no reactor knows " .. p.id end
      count = count + 1
    end
    for _, s in pairs(known) do count = count - 1 end
    return count == 0 and n:num_peers() == #n:peers(), "the numbers differ"
  end)

  rules.each(nodes, "one connection a peer", function(n)
    local seen = { [n.id] = true }
    for _, p in ipairs(n:peers()) do
      if seen[p.id] then return false, "twice: " .. (p.name or p.id) end
      seen[p.id] = true
    end
  end)

  rules.each(nodes, "peers are counted as they are", function(n)
    for _, way in ipairs { "inbound", "outbound" } do
      local count = 0
      for _, p in ipairs(n:peers(way)) do if not p.unconditional then count = count + 1 end end
      if n:num_peers(way) ~= count then return false, ("%d %s, it says %d"):format(count, way, n:num_peers(way)) end
    end
  end)
end

return rules
