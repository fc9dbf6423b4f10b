-- The other end of the interop suite: echoes what it hears; "!make CHANNEL SIZE COUNT" asks for messages of a known pattern.
-- Messages are google.protobuf.BytesValue: 0a, length, bytes.
local Probe = reactor { name = "probe", channels = {
  { id = 0x70, priority = 1, send_queue_capacity = 40, recv_message_capacity = 4194304 },
  { id = 0x71, priority = 4, send_queue_capacity = 40, recv_message_capacity = 4194304 },
  { id = 0x72, priority = 7, send_queue_capacity = 40, recv_message_capacity = 4194304 } } }

local function uvarint(n)
  local out = {}
  while n >= 128 do
    out[#out + 1] = string.char(n % 128 + 128)
    n = n // 128
  end
  out[#out + 1] = string.char(n)
  return table.concat(out)
end

local function wrap(bytes) return "\x0a" .. uvarint(#bytes) .. bytes end

local function unwrap(msg)
  local at, n, shift = 2, 0, 0
  repeat
    local b = msg:byte(at)
    n, shift, at = n + (b % 128) * (1 << shift), shift + 7, at + 1
  until b < 128
  return msg:sub(at, at + n - 1)
end

function Probe:add_peer(peer) log("added %s %s", peer.id, peer.outbound and "outbound" or "inbound") end

function Probe:remove_peer(peer, reason) log("removed %s %s", peer.id, reason) end

function Probe:receive(peer, channel, msg)
  local body = unwrap(msg)
  local ch, size, count = body:match("^!make (%d+) (%d+) (%d+)$")
  if ch then
    for i = 1, tonumber(count) do
      local unit = ("%08d:"):format(i)
      local text = unit:rep(tonumber(size) // #unit + 1):sub(1, tonumber(size))
      if not peer:send(tonumber(ch), wrap(text)) then log("could not queue message %d", i) end
    end
  else
    peer:send(channel, msg)
  end
end

return Probe
