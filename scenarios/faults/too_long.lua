-- One node takes shorter messages than its peers send, as after half of an upgrade. What is as long as its capacity arrives; what is
-- longer costs the connection, never arrives, not even in part, and takes nothing of its channel that came before with it.
local account = require "lib.account"
local takes = math.random(2, 30) * 1000
local payload = ({ 1024, 500 })[math.random(2)]

network { latency = "10ms", rate = ({ "2Mbit", "100Mbit" })[math.random(2)] }

local function channels(capacity)
  return {
    { id = 0x30, priority = 1, send_queue_capacity = 10, send_queue_bytes = 1 << 20, recv_message_capacity = capacity },
    { id = 0x31, priority = 9, send_queue_capacity = 10, send_queue_bytes = 1 << 20, recv_message_capacity = capacity } }
end
local Long, Short = account.reactor("load", channels(100000)), account.reactor("load", channels(takes))
local short = node { name = "short", reactors = { Short }, p2p = { pex = false, max_packet_msg_payload_size = payload } }
local long  = nodes { name = "long", count = 3, reactors = { Long }, p2p = {
  pex = false, max_packet_msg_payload_size = payload, persistent_peers = { short } } }
start(short, long)
buggify { rate = "2%" }

local exact, arrived, longest, told = takes, 0, 0, 0
account.allow("peer_message_too_long")

-- Mostly messages that fit, a fifth of them exactly; now and then one that does not, by a byte or by much.
function Long:on_add() self:set_timer(1, 1) end
function Long:timer()
  self:set_timer(1, math.random(1, 500) / 1000)
  if now() > 100 then return end
  for _, peer in ipairs(self.node:peers()) do
    local kind = math.random(40)
    local n = kind == 1 and takes + math.random(1, 3) or kind == 2 and math.random(takes + 1, 100000)
      or kind <= 10 and takes or account.size(payload, takes)
    self:try(peer, channels(100000)[math.random(2)], account.piece(n))
  end
end
function Short:on_message(_, _, msg)
  longest = math.max(longest, #msg)
  if #msg == exact then arrived = arrived + 1 end
end
function Short:on_remove(_, reason)
  if reason == "peer_message_too_long" then told = told + 1 end
end

never { "a message is lost, cut, doubled or out of order", function() return account.wrong[1] ~= nil, account.wrong[1] end }
at_end { "what fits exactly arrives, what is longer never", function()
  return arrived > 0 and longest == exact, ("%d arrived with %d bytes, the longest with %d"):format(arrived, exact, longest)
end }
at_end { "what is too long costs the connection", function() return told > 2, ("%d connections"):format(told) end }
at_end { "only what is too long is left over", function()
  for _, n in ipairs(long) do
    for _, link in pairs(n.reactors.load.open) do
      local left = account.missing(link)
      if left > 0 then return false, ("%d messages from %s"):format(left, n.name) end
    end
  end
  return true
end }
run_for "150s"
