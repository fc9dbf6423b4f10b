-- Sends back what it hears, byte for byte, and says nothing: the target of the hostile dialler.
local Echo = reactor { name = "echo", channels = {
  { id = 0x70, priority = 1, send_queue_capacity = 40, recv_message_capacity = 4194304 },
  { id = 0x71, priority = 4, send_queue_capacity = 40, recv_message_capacity = 4194304 },
  { id = 0x72, priority = 7, send_queue_capacity = 40, recv_message_capacity = 4194304 },
  { id = 0xf0, priority = 1, send_queue_capacity = 40, recv_message_capacity = 4194304 } } }

function Echo:receive(peer, channel, msg) peer:send(channel, msg) end

return Echo
