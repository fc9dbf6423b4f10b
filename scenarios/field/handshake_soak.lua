-- Tens of thousands of connections that fail at every step of a handshake: reset at once, silent for a while, half a key, keys that
-- nobody may have, frames that do not open, nodes of another network, dials of an id that lives elsewhere. What they took must come back.
-- Reported in the field: tendermint#2046, tendermint#2967 (descriptors), tendermint#135, CVE-2020-5303 (memory), cometbft#6076.
-- Quick: rounds=150
local rounds = param("rounds", 600, "rounds of forty connections", { min = 100 })
local slack  = param("slack", 8192, "bytes by which what is held may have grown after all of them", { min = 0 })

network { latency = "10ms", tcp = "none" }

local pex   = require "lib.pex"
local n     = node { name = "n" }
local pal   = node { name = "pal", p2p = { persistent_peers = { n } } }
local other = nodes { name = "other", count = 3, network = "other-chain", p2p = { persistent_peers = { n } } }
local hosts = strangers { name = "s", count = 40 }
start(n, pal, other)

local hello = "\x22\x0a\x20" .. ("\x07"):rep(32)
local acts = {
  function(c) c:reset() end,
  function(c) c:close() end,
  function(c) c:send(hello:sub(1, 20)) c:close() end,
  function(c) c:send("\x22\x0a\x20" .. ("\x00"):rep(32)) end,
  function(c) c:send(hello .. ("\x00"):rep(1044)) end,
  function(c) c:send(("x"):rep(3000)) end,
  function(c) c:send(hello) end, -- silent until it is reset below
  function(c) end,
}
local made, conns = 0, {}
local function storm(from, count) -- rounds of connections from then on; who is left at the end is reset
  for r = 0, count - 1 do
    at(from + r / 2, function()
      for i, host in ipairs(hosts) do
        if conns[i] then conns[i]:reset() end
        conns[i], made = host:connect(n), made + 1
      end
    end)
    at(from + r / 2 + 0.1, function() for i, c in ipairs(conns) do acts[1 + (i + r) % #acts](c) end end)
    if r % 10 == 0 then -- n dials, under an id that nobody has
      at(from + r / 2, function() n:dial(("%s@%s:26656"):format(pex.id(r), pal.ip)) end)
    end
  end
  at(from + count / 2, function() for _, c in ipairs(conns) do c:reset() end end)
  return from + count / 2
end

-- Two storms, a short one and a long one. Silent handshakes last 20 s, and other-chain's nodes go on trying: what
-- is held is the least of a quiet minute.
local held, quiet = { math.huge, math.huge }, {}
quiet[1] = storm(10, 50) + 30
quiet[2] = storm(quiet[1] + 60, rounds) + 30
for k = 1, 2 do
  every("1s", function() held[k] = math.min(held[k], memory()) return now() < quiet[k] + 60 end, { after = quiet[k] })
end
local refused = 0
watch { n, events = "refused", function() refused = refused + 1 end }

at_end { "they were refused", function() return refused >= made / 2, ("%d of %d"):format(refused, made) end }
at_end { "what they took has come back", function()
  return held[2] <= held[1] + slack, ("%d bytes after the short storm, %d after the long one"):format(held[1], held[2])
end }
always { "an honest peer stays", after = "9s", every = "1s", function() return n:has_peer(pal) end }
never { "one of them is a peer", every = "1s", function() return n:num_peers() > 1 end }
plot { "bytes held", every = "1s", function() return memory() end }
run_for(quiet[2] + 65)
log("%d connections, %d refused; %d bytes held after 2,000 of them, %d after all", made, refused, held[1], held[2])
