-- A reactor for a real node: greets, answers, fails on demand.
local Echo = reactor { name = "echo", channels = { { id = 0x70, priority = 5, send_queue_capacity = 4 } } }
function Echo:start() self.count = 0 log("starts on %s, %s, %s", self.node.name, profile(), self.node.address) self:set_timer(3, "100ms") end
function Echo:timer(token) log("timer %d, %d peers, id of %d", token, self.node:num_peers(), #self.node.id) end
function Echo:add_peer(peer)
  log("%s peer %s", peer.outbound and "outbound" or "inbound", self.node:has_peer(peer) and not self.node:has_peer(self.node) and "known" or "unknown")
  if peer.outbound then peer:send(0x70, "hello " .. math.random(1, 1)) end
end
function Echo:receive(peer, channel, msg)
  self.count = self.count + 1
  log("got %s %d", msg, self.count)
  if self.count == 3 then error "enough" end
  peer:try_send(channel, msg)
end
return Echo
