-- The other end of the interop suite: echoes what it hears and does what "!WORD ..." asks. Messages are raw bytes.
--   !make CHANNEL SIZE COUNT    sends messages of a known pattern
--   !sink                       echoes nothing from now on, and logs each 200 ms what has been heard
--   !flood SIZE                 sends on the three wide channels as fast as they take it
--   !flush SIZE COUNT           sends on the three wide channels, then ends the peer when all is sent
local WIDE = { 0x70, 0x71, 0x72 }
local NARROW, NARROW_BYTES = 0x73, 70000

local Probe = reactor { name = "probe", channels = {
  { id = 0x70, priority = 1, send_queue_capacity = 40, recv_message_capacity = 4194304 },
  { id = 0x71, priority = 4, send_queue_capacity = 40, recv_message_capacity = 4194304 },
  { id = 0x72, priority = 7, send_queue_capacity = 40, recv_message_capacity = 4194304 },
  { id = NARROW, priority = 10, send_queue_capacity = 40, recv_message_capacity = NARROW_BYTES } } }

local TICK, FILL = 1, 2

function Probe:start()
  self.heard = {} -- by channel: messages, bytes
  for _, ch in ipairs(WIDE) do self.heard[ch] = { 0, 0 } end
  self.heard[NARROW] = { 0, 0 }
end

function Probe:add_peer(peer)
  log("info of %s: %s %s", peer.id, peer.moniker, peer.version)
  log("added %s %s", peer.id, peer.outbound and "outbound" or "inbound")
end

function Probe:say_heard()
  local words = {}
  for ch, n in pairs(self.heard) do words[#words + 1] = ("%d=%d/%d"):format(ch, n[1], n[2]) end
  log("heard %s", table.concat(words, " "))
end

function Probe:remove_peer(peer, reason)
  self:say_heard()
  log("removed %s %s", peer.id, reason)
end

-- The i-th message of a kind: its number again and again.
local function text(i, size)
  local unit = ("%08d:"):format(i)
  return unit:rep(size // #unit + 1):sub(1, size)
end

local function make(peer, channel, size, count)
  for i = 1, count do
    local ok, why = peer:send(channel, text(i, size))
    if not ok then log("could not queue message %d on %d: %s", i, channel, why) end
  end
end

function Probe:fill()
  for _, ch in ipairs(WIDE) do
    while self.target:try_send(ch, self.filling) do end
  end
  self:set_timer(FILL, "5ms")
end

function Probe:timer(token)
  if token == TICK then
    self:say_heard()
    self:set_timer(TICK, "200ms")
  elseif self.target:is_running() then
    self:fill()
  end
end

local words = {}

function words.make(self, peer, channel, size, count) make(peer, channel, size, count) end

function words.sink(self)
  self.silent = true
  self:timer(TICK)
end

function words.flood(self, peer, size)
  self.target, self.filling = peer, text(1, size)
  self:fill()
end

function words.flush(self, peer, size, count)
  for _, ch in ipairs(WIDE) do make(peer, ch, size, count) end
  peer:flush_stop()
end

function Probe:receive(peer, channel, msg)
  local word, rest = msg:match("^!(%a+)([ %d]*)$")
  if word then
    local numbers = {}
    for n in rest:gmatch("%d+") do numbers[#numbers + 1] = tonumber(n) end
    words[word](self, peer, table.unpack(numbers))
    return
  end
  local n = self.heard[channel]
  n[1], n[2] = n[1] + 1, n[2] + #msg
  if not self.silent then peer:send(channel, msg) end
end

return Probe
