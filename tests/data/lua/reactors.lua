-- A reactor that uses everything: timers, filter, broadcast, stops; processes, a load and a measure beside it.
network { rate = "8Mbit" }
local R = reactor { name = "r", channels = { { id = 0x50, priority = 2, send_queue_capacity = 8, recv_message_capacity = "1MiB" },
                                            { id = 0x51, priority = 1 } } }
function R:start() self.ticks = 0 self.seen = {} self:set_timer(1, "1s") end
function R:timer(token)
  self.ticks = self.ticks + token
  if self.ticks < 5 then self:set_timer(1, "1s") else self.node:broadcast(0x51, "five") end
end
function R:add_peer(peer) self.last = peer end
function R:filter(peer, channel, msg) return msg ~= "bad" end
function R:receive(peer, channel, msg)
  self.seen[#self.seen + 1] = msg
  if msg == "stop" then peer:stop("enough") end
  if msg == "ping" then assert(peer:send(channel, "pong")) end
end
function R:remove_peer(peer, reason) self.reason = reason end

local a = node { name = "a", reactors = { R } }
local b = node { name = "b", reactors = { R } }
assert(a.reactors.r ~= b.reactors.r and a.reactors.r.node == a and R.channels[1].id == 0x50)
start(a, b)
connect(a, b)
traffic { from = a, to = b, channel = 0x50, size = { "1kB", "2kB" }, interval = "20ms", poisson = true, after = "10s", before = "20s" }
local flow = measure { from = a, to = b, after = "10s", every = "500ms", name = "a to b" }
plot { "ticks", every = "2s", function() return { a = a.reactors.r.ticks, b = b.reactors.r.ticks } end }
plot { "messages", function() return flow:messages() end }
plot.channels(flow)

spawn(function()
  local p = a:wait_peer(b, "10s")
  assert(p == a.reactors.r.last and p:can_send(0x50))
  assert(p:send(0x50, "ping"))
  wait_until(function() return a.reactors.r.seen[1] == "pong" end, "1s")
  local ok, why = p:try_send(0x77, "x")
  assert(not ok and why == "no_channel")
  assert(b:broadcast(0x51, "all") == 1)
  sleep "24s"
  assert(p:try_send(0x50, "bad"))
  wait_until(function() return not a:has_peer(b) end, "5s")
  assert(b.reactors.r.reason == "peer_reactor", b.reactors.r.reason)
  ok, why = p:send(0x50, "gone")
  assert(not ok and why == "no_peer" and not p:is_running() and p.moniker == nil)
  a:dial(b)
  p = a:wait_peer(b, "10s")
  p:send(0x50, "stop")
  wait_until(function() return not p:is_running() end, "5s")
end)
at_end { "timers ran", function() return a.reactors.r.ticks == 5 and b.reactors.r.ticks == 5 end }
at_end { "the load arrived", function()
  assert(flow:bytes() == flow:bytes(0x50) + flow:bytes(0x51) + flow:bytes(0) and flow:share(0x50) > 0.9)
  assert(flow:delay(50) >= 0.02 and flow:delay(50) <= flow:delay(99) and flow:delay(100, 0x50) < 1)
  assert(flow:utilisation() > 0.01 and flow:throughput() > 100 and flow:longest_gap(0x50) < 1 and flow:ideal(0x50) > 0.9)
  return flow:messages(0x50) > 300 and flow:messages(0x50) < 700, flow:messages(0x50)
end }
run_for "60s"
