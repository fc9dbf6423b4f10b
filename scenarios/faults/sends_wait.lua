-- Many Sends wait for the few places of short queues, on lines that stand still now and then. Each is served in its turn or told in
-- time that it was not; what was served arrives, what was not never does, and a connection is no worse for the wait.
local account = require "lib.account"
local function draw(list) return list[math.random(#list)] end

network { latency = draw { "1ms", "40ms" }, rate = draw { "4Mbit", "100Mbit" }, sndbuf = 65536 }

local channels = {
  { id = 0x30, priority = draw { 1, 5 }, send_queue_capacity = draw { 1, 2, 8 }, send_queue_bytes = 40000, recv_message_capacity = 20000 },
  { id = 0x31, priority = draw { 1, 5 }, send_queue_capacity = 1, send_queue_bytes = 40000, recv_message_capacity = 5000 } }
local Load = account.reactor("load", channels)
local all = nodes { name = "n", count = 2, reactors = { Load }, p2p = { pex = false, ping_interval = "20s", pong_timeout = "15s", persistent_peers = { "n1" } } }
all:start { within = "1s" }
buggify { rate = draw { "1%", "5%" } }

local BUSY = 120
local done, late = 0, 0
local function line(self, peer, ch)
  while now() < BUSY and peer:is_running() do
    local timeout, began = draw { 0.2, 1, 3, 10 }, now()
    local n = draw { math.random(1, 120), math.random(1, ch.recv_message_capacity) }
    local ok, why = account.wait(self, peer, ch, account.piece(n), timeout)
    local took = now() - began
    if ok then done = done + 1 elseif why == "timeout" then late = late + 1 end
    if took > timeout + 0.05 then account.blame("a Send waited for %.2f of %.1f s", took, timeout) end
    if not ok and (why ~= "timeout" or took < timeout - 1e-6) then account.blame("a Send failed after %.2f of %.1f s: %s", took, timeout, why) end
    sleep(math.random(0, 300) / 1000)
  end
end
function Load:on_add(peer)
  for _, ch in ipairs(channels) do
    for _ = 1, math.random(1, 5) do spawn(function() line(self, peer, ch) end) end
  end
end
function Load:on_remove(peer, reason) account.blame("%s is gone: %s", peer.name, reason) end

spawn(function()
  while now() < BUSY do
    sleep(math.random(3000, 9000) / 1000)
    local from = math.random(2)
    hold(all[from], all[3 - from])
    sleep(math.random(100, 2000) / 1000)
    release(all[from], all[3 - from])
  end
end)

never { "a Send is lost, late or told wrong", function() return account.wrong[1] ~= nil, account.wrong[1] end }
at_end { "nobody waits any more", function() return account.waiting == 0, ("%d wait"):format(account.waiting) end }
at_end { "what was served has arrived", function()
  return account.sent == account.received and done > 50, ("%d sent, %d received, %d too late"):format(account.sent, account.received, late)
end }
run_for(BUSY + 40)
