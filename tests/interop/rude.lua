-- Speaks PEX as no node should: what it sends to a new peer is told by that peer's moniker. Needs p2p.pex = false.
local Rude = reactor { name = "rude", channels = { { id = 0, send_queue_capacity = 10, recv_message_capacity = 64000 } } }

local REQUEST = "\x0a\x00"

local function field(tag, bytes) return string.char(tag, #bytes) .. bytes end

local function list(ip, port)
  local entry = field(0x0a, ("ab"):rep(20)) .. field(0x12, ip) .. "\x18" .. port
  return field(0x12, field(0x0a, entry))
end

local says = {
  unsolicited = { list("127.0.0.1", "\x01"), list("127.0.0.1", "\x01") }, -- the first may be an answer
  flood = { REQUEST, REQUEST, REQUEST },
  ["bad ip"] = { list("not an ip", "\x01") },
  ["bad port"] = { list("127.0.0.1", "\x80\x80\x04") },
  ["neither request nor list"] = { field(0x1a, "x") },
  garbage = { "\xff\xff\xff" },
}

function Rude:add_peer(peer)
  for _, message in ipairs(says[peer.moniker] or {}) do
    local ok, why = peer:send(0, message)
    if not ok then log("could not say %s: %s", peer.moniker, why) end
  end
end

return Rude
