-- The messages of peer exchange, for nodes that speak it ill. A node with p2p = { pex = false } leaves the channel 0x00 to a reactor
-- of the script, which may send there what it likes:
--
--   local Ill = reactor { name = "ill", channels = { pex.channel } }
--   function Ill:receive(peer, channel, msg)
--     if pex.is_request(msg) then peer:try_send(0x00, pex.addrs { id .. "@9.9.9.9:26656" }) end
--   end
local pex = {}

pex.channel = { id = 0x00, priority = 1, send_queue_capacity = 10 }
pex.request = "\x0a\x00"

function pex.is_request(msg) return msg == pex.request end

local function varint(n)
  local out = {}
  while n >= 128 do
    out[#out + 1] = string.char(n % 128 + 128)
    n = n // 128
  end
  out[#out + 1] = string.char(n)
  return table.concat(out)
end

local function field(number, text) return string.char(number * 8 + 2) .. varint(#text) .. text end

-- A list of addresses, each "id@ip:port", IPv6 in brackets.
function pex.addrs(list)
  local out = {}
  for _, address in ipairs(list) do
    local id, ip, port = address:match("^(%x+)@%[?([%x.:]-)%]?:(%d+)$")
    out[#out + 1] = field(1, field(1, id) .. field(2, ip) .. "\x18" .. varint(tonumber(port)))
  end
  return field(2, table.concat(out))
end

-- How many addresses a list has; nil when the message is none.
function pex.count(msg)
  if msg:byte(1) ~= 0x12 then return nil end
  local n, at = 0, 2
  while msg:byte(at) >= 128 do at = at + 1 end
  at = at + 1
  while at <= #msg do
    local size, shift = 0, 1
    repeat
      at = at + 1
      local b = msg:byte(at)
      size, shift = size + b % 128 * shift, shift * 128
    until b < 128
    at, n = at + 1 + size, n + 1
  end
  return n
end

-- The n-th made-up id.
function pex.id(n) return ("%040x"):format(n) end

return pex
