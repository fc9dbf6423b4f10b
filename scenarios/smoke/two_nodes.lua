-- Two nodes, one link: they connect, talk both ways on two channels, and part in an orderly way.
network { latency = "10ms" }

local Talk = reactor { name = "talk", channels = {
  { id = 0x70, priority = 5, send_queue_capacity = 8 },
  { id = 0x71, priority = 1 } } }
function Talk:init_peer(peer)             self.heard = self.heard or {} end
function Talk:receive(peer, channel, msg) self.heard[channel] = msg end

local a = node { name = "a", reactors = { Talk } }
local b = node { name = "b", reactors = { Talk } }
start(a, b)
connect(a, b)

spawn(function()
  local to_b, to_a = a:wait_peer(b, "5s"), b:wait_peer(a, "5s")
  to_b:send(0x70, "ping")
  to_a:send(0x71, ("pong"):rep(5000))           -- 20 packets
  wait_until(function() return b.reactors.talk.heard[0x70] == "ping" end, "1s")
  wait_until(function() return a.reactors.talk.heard[0x71] == ("pong"):rep(5000) end, "1s")
  sleep("10s")
  b:stop()
end)

eventually { "they are connected", within = "1s", function() return a:has_peer(b) and b:has_peer(a) end }
eventually { "a notices that b has gone", after = "11s", within = "2s", function() return a:num_peers() == 0 end }
run_for "15s"
