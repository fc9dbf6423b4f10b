-- A reactor in Lua, a process that sends, a fault in between.
local Echo = reactor { name = "echo", channels = { { id = 0x70, priority = 5, send_queue_capacity = 4, message = "bytes" } } }
function Echo:add_peer(peer)              log("hello %s (%s)", peer.id, peer.outbound and "outbound" or "inbound") end
function Echo:receive(peer, channel, msg) if self.node.name == "b" then peer:try_send(channel, msg) else self.got = msg end end
function Echo:remove_peer(peer, reason)   log("lost %s: %s", peer.id, reason) end

local a = node { name = "a", reactors = { Echo }, p2p = { persistent_peers = { "b" } } }
local b = node { name = "b", reactors = { Echo } }
start(a, b)

spawn(function()
  local peer = a:wait_peer(b, "5s")
  peer:send(0x70, "hello")                       -- waits until it is queued
  wait_until(function() return a.reactors.echo.got == "hello" end, "1s")
  while peer:try_send(0x70, ("x"):rep(1000)) do end   -- false once the queue is full
end)

at("10s", function() partition({ a }, { b }) end)
at("130s", function() heal() end)                      -- the ping of the 60th second finds no answer
eventually { "a notices",       after = "10s",  within = "110s", function() return not a:has_peer(b) end }
eventually { "a finds b again", after = "130s", within = "30s",  function() return a:has_peer(b) end }
run_for "3m"
