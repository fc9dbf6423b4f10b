-- Asks each peer for addresses on the channel of peer exchange, for a node whose own is off (pex = false), and says what it is told.
local Ask = reactor { name = "ask", channels = { { id = 0x00, priority = 1, recv_message_capacity = 64000 } } }

-- The next field of a protobuf message: its number, its value (a number, or bytes), where the following one begins.
local function field(text, at)
  local function uvarint()
    local n, shift = 0, 0
    repeat
      local b = text:byte(at)
      n, shift, at = n | (b & 127) << shift, shift + 7, at + 1
    until b < 128
    return n
  end
  local key = uvarint()
  local n = uvarint()
  if key & 7 == 0 then return key >> 3, n, at end
  return key >> 3, text:sub(at, at + n - 1), at + n
end

function Ask:add_peer(peer) peer:try_send(0x00, "\x0a\x00") end

function Ask:receive(peer, channel, msg)
  local kind, list = field(msg, 1)
  if kind ~= 2 then return end
  local at, count = 1, 0
  while at <= #list do
    local _, entry, where = nil, nil, {}
    _, entry, at = field(list, at)
    local pos = 1
    while pos <= #entry do
      local number, value
      number, value, pos = field(entry, pos)
      where[number] = value
    end
    count = count + 1
    log("told %s@%s:%d", where[1], where[2], where[3])
  end
  log("that was %d", count)
end

return Ask
