-- Hosts that do not shake hands as they should: silence, keys of low order and of wrong lengths, frames that do not open, a mirror,
-- other protocols, one byte at a time. Each is refused for its reason or runs out of time, none becomes a peer, and an honest node gets in.
-- (tests/unit/test_handshake.c has all keys of low order; here the zero key stands for them, which is one with --crypto null, too.)
-- Reported in the field: tendermint#3010 (keys of low order), tendermint-rs#1356 (a message in several reads), tendermint#2041.
local each = param("each", 4, "hosts of each kind", { min = 1, max = 100 })

network { latency = "40ms", tcp = "none" }

local key   = ("\x07"):rep(32)
local hello = "\x22\x0a\x20" .. key
-- How it begins, and what n may say of it. (A key of a wrong length is padded by upstream, and its frames then do not open.)
local kinds = {
  { "silence", "", "peer_handshake_timeout" },
  { "half a key", hello:sub(1, 20), "peer_handshake_timeout" },
  { "a key and silence", hello, "peer_handshake_timeout" },
  { "the zero key", "\x22\x0a\x20" .. ("\x00"):rep(32), "peer_low_order" },
  { "a short key", "\x21\x0a\x1f" .. key:sub(1, 31) .. ("\x00"):rep(1044), "peer_bad_ephemeral", "peer_bad_frame" },
  { "a long key", "\x23\x0a\x21" .. key .. "\x07" .. ("\x00"):rep(1044), "peer_bad_ephemeral", "peer_bad_frame" },
  { "an endless length", ("\xff"):rep(12), "peer_bad_ephemeral" },
  { "a message of two megabytes", "\x80\x80\x80\x01" .. ("\x0a"):rep(5000), "peer_bad_ephemeral" },
  { "a frame of zeros", hello .. ("\x00"):rep(1044), "peer_bad_frame" },
  { "HTTP", "GET / HTTP/1.1\r\nHost: n\r\n\r\n" .. ("x"):rep(200), "peer_bad_ephemeral" },
  { "TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" .. ("\x55"):rep(600), "peer_bad_ephemeral" },
  { "a mirror", "", "peer_bad_frame", "peer_bad_auth", "peer_self", "peer_bad_signature", "peer_handshake_timeout", mirror = true },
  { "one byte at a time", hello .. ("\x00"):rep(1044), "peer_bad_frame", slow = true },
}

local n      = node { name = "n" }
local honest = nodes { name = "honest", count = 5, p2p = { persistent_peers = { n }, max_num_outbound_peers = 0 } }
n:start()
for i = 1, 5 do at(5 * i, function() honest[i]:start() end) end

local hosts, by_ip, conns, said = {}, {}, {}, {}
for k, kind in ipairs(kinds) do
  for i = 1, each do
    local s = stranger { name = ("s%d-%d"):format(k, i) }
    hosts[#hosts + 1] = { s = s, kind = kind }
    by_ip[s.ip] = kind
  end
end
watch { n, events = "refused", function(_, e)
  local kind = by_ip[e.address:match("([%d.]+):%d+$")]
  if kind then said[kind[1]] = said[kind[1]] or {} said[kind[1]][e.why] = (said[kind[1]][e.why] or 0) + 1 end
end }

local function speak(c, kind)
  if kind.slow then
    for i = 1, #kind[2] do c:send(kind[2]:sub(i, i)) sleep(0.001) end
  elseif kind.mirror then
    local sent = 0
    for _ = 1, 40 do
      sleep(0.1)
      local all = c:bytes()
      c:send(all:sub(sent + 1))
      sent = #all
    end
  else
    c:send(kind[2])
  end
end
for i, h in ipairs(hosts) do
  at(1 + i / 10, function()
    conns[i] = h.s:connect(n)
    spawn(function() speak(conns[i], h.kind) end)
  end)
end

at_end { "each is refused, for one of its reasons", function()
  for _, kind in ipairs(kinds) do
    local sum = 0
    for why, count in pairs(said[kind[1]] or {}) do
      local known = false
      for i = 3, #kind do known = known or kind[i] == why end
      if not known then return false, kind[1] .. ": " .. why end
      sum = sum + count
    end
    if sum ~= each then return false, ("%s: %d of %d"):format(kind[1], sum, each) end
  end
  return true
end }
at_end { "and sent away", function()
  for i, c in ipairs(conns) do if c:is_open() then return false, hosts[i].kind[1] end end
  return #conns == #hosts
end }
always { "an honest node gets in", after = "10s", every = "5s", function() return n:num_peers() >= math.min(5, now() // 5 - 1) end }
never { "one of them is a peer", every = "1s", function() return n:num_peers() > 5 end }
run_for "60s"
for _, kind in ipairs(kinds) do
  local list = {}
  for why in pairs(said[kind[1]] or {}) do list[#list + 1] = why end
  log("%s: %s", kind[1], table.concat(list, ", "))
end
