-- Tells who comes and goes, and how many addresses the book holds.
local Census = reactor { name = "census", channels = { { id = 0x70, priority = 1 } } }

function Census:start() self:set_timer(1, "500ms") end

function Census:timer()
  local size = self.node.book:size()
  if size ~= self.size then log("book %d", size) end
  self.size = size
  self:set_timer(1, "500ms")
end

function Census:add_peer(peer) log("added %s", peer.id) end

function Census:remove_peer(peer, reason) log("removed %s %s", peer.id, reason) end

return Census
