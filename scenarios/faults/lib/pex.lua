-- PEX spoken by a script, as a node with `pex = false` can on channel 0x00: messages, and a reactor that keeps account of what each
-- connection has asked and been told. Source of the format: docs/PROTOCOL.md, 5.1.
local pex = { CHANNEL = 0x00, REQUEST = "\x0a\x00", LONGEST = 251 }

local function varint(n)
  local s = ""
  while n >= 128 do s, n = s .. string.char(n % 128 + 128), n // 128 end
  return s .. string.char(n)
end
local function field(tag, bytes) return string.char(tag) .. varint(#bytes) .. bytes end

-- A list of addresses, "id@ip:port" each, as a message.
function pex.list(addresses)
  local s = ""
  for _, a in ipairs(addresses) do
    local id, ip, port = a:match("^(.-)@(.*):(%d+)$")
    s = s .. field(0x0a, field(0x0a, id) .. field(0x12, ip) .. "\x18" .. varint(tonumber(port)))
  end
  return field(0x12, s)
end

local function read_varint(s, at)
  local n, shift = 0, 1
  while true do
    local b = s:byte(at)
    n, at, shift = n + b % 128 * shift, at + 1, shift * 128
    if b < 128 then return n, at end
  end
end
local function read_field(s, at)
  local len, from = read_varint(s, at + 1)
  return s:byte(at), s:sub(from, from + len - 1), from + len
end

-- What a message of a well-behaved node says: "request", or a list of addresses.
function pex.parse(msg)
  local tag, body = read_field(msg, 1)
  if tag == 0x0a then return "request" end
  local list, at = {}, 1
  while at <= #body do
    local _, entry, id, ip, to
    _, entry, at = read_field(body, at)
    _, id, to = read_field(entry, 1)
    _, ip, to = read_field(entry, to)
    list[#list + 1] = ("%s@%s:%d"):format(id, ip, (read_varint(entry, to + 1)))
  end
  return list
end

-- Whether an address is the peer's own. Upstream knows itself by its whole address only (D-37).
local function is_its_own(peer, address)
  return profile() == "default" and address:sub(1, 40) == peer.id or address == (peer.node or {}).address
end

-- A reactor that speaks for its node. What it is to do: Class:came(peer, c), Class:asked(peer, c), Class:told(peer, c, list), all of
-- them optional. c: of this connection; c.asks and c.lists, requests sent and lists received; c.requests, c.told, the other way.
-- Whatever the other side is, it holds it to: nothing unasked, one request at a time, no list too long, nobody listed who lists.
function pex.reactor(name)
  local Class = reactor { name = name, channels = { { id = 0, priority = 1, send_queue_capacity = 10, recv_message_capacity = 64000 } } }
  local function demand(holds, self, peer, what)
    if not holds and not pex.broken then pex.broken = ("%s of %s: %s"):format(self.node.name, peer.name or peer.id, what) end
  end

  function Class:start() self.c = {} if self.begin then self:begin() end end
  function Class:init_peer(peer) self.c[peer.id] = { peer = peer, since = now(), asks = 0, lists = 0, requests = 0, told = 0 } end
  function Class:add_peer(peer) if self.came then self:came(peer, self.c[peer.id]) end end
  function Class:remove_peer(peer, why) if self.went then self:went(peer, self.c[peer.id], why) end self.c[peer.id] = nil end

  function Class:receive(peer, channel, msg)
    local c, said = self.c[peer.id], pex.parse(msg)
    if said == "request" then
      demand(c.requests <= c.told, self, peer, "asked twice before it was answered")
      c.requests = c.requests + 1
      if self.asked then self:asked(peer, c) end
      return
    end
    c.lists, c.answered = c.lists + 1, now()
    demand(c.lists <= c.asks, self, peer, ("%d lists for %d requests"):format(c.lists, c.asks))
    demand(#said <= pex.LONGEST, self, peer, #said .. " addresses in a list")
    for _, a in ipairs(said) do demand(not is_its_own(peer, a), self, peer, "lists itself") end
    if self.heard then self:heard(peer, c, said) end
  end

  function Class:ask(peer)
    local c = self.c[peer.id]
    if not c or c.peer ~= peer or not peer:try_send(pex.CHANNEL, pex.REQUEST) then return false end
    c.asks, c.last = c.asks + 1, now()
    return true
  end
  function Class:tell(peer, addresses)
    local c = self.c[peer.id]
    if not c or c.peer ~= peer or not peer:try_send(pex.CHANNEL, pex.list(addresses)) then return false end
    c.told = c.told + 1
    return true
  end
  return Class
end

return pex
