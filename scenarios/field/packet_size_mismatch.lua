-- A node and its persistent peer differ in max_packet_msg_payload_size, which no handshake compares: larger packets end the connection. The
-- one who refuses must say why, and the two must not connect and part in a loop.
-- Reported in the field: celestia-core#1877 ("message exceeds max size (10032 > 1034)"), sei-chain#2726.
-- Fails in: upstream, upstream-v0.38
local size = param("size", 10240, "bytes of a packet's payload at one of the two", { min = 1100 })

network { latency = "40ms", tcp = "none" }

local Bulk = reactor { name = "bulk", channels = { { id = 0x70, send_queue_capacity = 10 } } }
function Bulk:add_peer(peer) if self.node.name == "large" then peer:try_send(0x70, ("x"):rep(20000)) end end
local large = node { name = "large", reactors = { Bulk }, p2p = { max_packet_msg_payload_size = size } }
local small = node { name = "small", reactors = { Bulk }, p2p = { persistent_peers = { large } } }
start(large, small)

local times, told = 0, {}
watch { small, events = { "peer_added", "peer_removed" }, function(_, e)
  if e.event == "peer_added" then times = times + 1 else told[e.why] = (told[e.why] or 0) + 1 end
end }

at_end { "whoever refuses says why", function() return (told.peer_packet_too_long or 0) > 0 end }
at_end { "for no other reason", function()
  for why in pairs(told) do if why ~= "peer_packet_too_long" then return false, why end end
  return true
end }
at_end { "they do not connect and part in a loop", function() return times <= 30, ("%d times in two minutes"):format(times) end }
plot { "connections so far", every = "1s", function() return times end }
run_for "2m"
log("%d connections in two minutes", times)
