-- Machines lose their power without a word, or fall into black holes, beside idle and busy connections. Whoever was their peer knows
-- it after a ping and its time, whatever waits to be sent; who lives and can be reached is not taken for dead.
local N = param("nodes", 5, "nodes", { min = 3 })
local PING, PONG = 10, 5
local ours = profile() == "default"

network { latency = ({ "2ms", "60ms" })[math.random(2)], rate = "2Mbit" }

local Watch = reactor { name = "watch", channels = {
  { id = 0x30, priority = 1, send_queue_capacity = 20, recv_message_capacity = 65536 },
  { id = 0x31, priority = 5, send_queue_capacity = 20, recv_message_capacity = 65536 } } }
local all = nodes { name = "n", count = N, reactors = { Watch }, p2p = {
  pex = false, ping_interval = PING, pong_timeout = PONG, persistent_peers = { "n1", "n2", "n3" } } }
all:start { within = "2s" }

-- A third of the directions always has something to send, a third now and then, a third never. Upstream's send task hangs in a
-- write that nobody takes, and looks at no pong timer meanwhile: there, only quiet connections can be asked for.
for _, a in ipairs(all) do
  for _, b in ipairs(all:without(a)) do
    local kind = math.random(3)
    if kind == 1 and ours then traffic { from = a, to = b, channel = 0x30, size = { "1KiB", "40KiB" }, saturate = true } end
    if kind == 2 and ours then traffic { from = a, to = b, channel = 0x31, size = { 100, "3KiB" }, interval = "700ms", poisson = true } end
  end
end
buggify { rate = "2%" }

local hurt, hurt_at, wrong = {}, {}, nil -- who is away, by name, and since when; who has been at all
function Watch:remove_peer(peer, reason)
  if reason ~= "peer_pong_timeout" then return end
  for _, name in ipairs { self.node.name, peer.name } do
    if now() - (hurt_at[name] or -1000) < 60 then return end
  end
  wrong = wrong or ("%.3f s: %s takes %s for dead, which lives"):format(now(), self.node.name, peer.name)
end

spawn(function()
  while now() < 280 do
    sleep(20 + math.random(0, 15000) / 1000)
    local x, hole = all:random(), math.random(2) == 1
    hurt[x.name], hurt_at[x.name] = now(), now()
    if hole then blackhole(x, all:without(x)) else power_off(x) end
    sleep(PING + PONG + 5 + math.random(0, 10000) / 1000)
    hurt[x.name], hurt_at[x.name] = nil, now()
    if hole then heal() else power_on(x) end
  end
end)

never { "somebody keeps a peer that is gone", every = "250ms", function()
  for _, n in ipairs(all) do
    for _, p in ipairs(n:peers()) do
      local since = hurt[p.name] or hurt[n.name]
      if since and now() - since > PING + PONG + 0.3 then
        return true, ("%s has %s, %.1f s after"):format(n.name, p.name, now() - since)
      end
    end
  end
end }
never { "somebody who lives is taken for dead", function() return wrong ~= nil, wrong end }
at_end { "everybody who is dialled has everybody again", function()
  return all:slice(1, 3):all(function(n) return n:num_peers() == N - 1 end), table.concat(all:num_peers(), " ")
end }
run_for "6m"
