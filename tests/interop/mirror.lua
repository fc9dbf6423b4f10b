-- Advertises the channels of a CometBFT node, counts what comes on them and drops it. A round step is sent back as it came, so that
-- a validator takes us for a node that follows its chain and sends block parts, votes and transactions, too.
local STATE, NEW_ROUND_STEP = 0x20, 0x0a -- the channel; the first byte of a consensus message that holds a NewRoundStep

local Mirror = reactor { name = "mirror", channels = {
  { id = 0x20, priority = 6, send_queue_capacity = 100, recv_message_capacity = 1048576 },
  { id = 0x21, priority = 10, send_queue_capacity = 100, recv_message_capacity = 1048576 },
  { id = 0x22, priority = 7, send_queue_capacity = 100, recv_message_capacity = 1048576 },
  { id = 0x23, priority = 1, send_queue_capacity = 2, recv_message_capacity = 1048576 },
  { id = 0x30, priority = 5, recv_message_capacity = 4194314 },
  { id = 0x38, priority = 6, recv_message_capacity = 1048576 },
  { id = 0x40, priority = 5, send_queue_capacity = 1000, recv_message_capacity = 104857605 },
  { id = 0x60, priority = 5, send_queue_capacity = 10, recv_message_capacity = 4000000 },
  { id = 0x61, priority = 3, send_queue_capacity = 10, recv_message_capacity = 16000000 } } }

function Mirror:start()
  self.counts = {}
  for _, channel in ipairs(Mirror.channels) do self.counts[channel.id] = 0 end
  self:set_timer(1, "1s")
end

function Mirror:timer()
  local parts = {}
  for _, channel in ipairs(Mirror.channels) do parts[#parts + 1] = ("%02x:%d"):format(channel.id, self.counts[channel.id]) end
  log("counts %s", table.concat(parts, " "))
  self:set_timer(1, "1s")
end

function Mirror:add_peer(peer) log("added %s", peer.id) end

function Mirror:remove_peer(peer, reason) log("removed %s %s", peer.id, reason) end

function Mirror:receive(peer, channel, msg)
  self.counts[channel] = self.counts[channel] + 1
  if channel == STATE and msg:byte(1) == NEW_ROUND_STEP then peer:send(channel, msg) end
end

return Mirror
