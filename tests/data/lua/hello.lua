-- A reactor for real nodes: says hello to every peer and logs what it hears.
local Hello = reactor { name = "hello", channels = { { id = 0x70, priority = 5, send_queue_capacity = 4 } } }
function Hello:add_peer(peer)              peer:try_send(0x70, "hello") end
function Hello:receive(peer, channel, msg) log("heard %s from %s", msg, peer.id) end
return Hello
