-- Four nodes send each other messages of every awkward size over bad lines, in bursts that fill the queues and with Sends that
-- wait. Each message arrives once, whole and in order, or its connection ends; afterwards, on good lines, nothing is left over.
local account = require "lib.account"
local N = param("nodes", 4, "nodes", { min = 2 })
local hurt = param("hurt", 90, "seconds of faults", { min = 1 })
local ours = profile() == "default"

local function one_of(...) return (select(math.random(select("#", ...)), ...)) end
local payload = one_of(1024, 1024, 1024, 100, 600, 4000)
local rate, link_rate = one_of(5120000, 5120000, 300000), one_of("2Mbit", "20Mbit", "1Gbit")
local recv_rate = one_of(rate, rate // 2) -- a limiter that holds back, and one that does not
-- Upstream's pongs wait behind all that its limiters and the kernel hold (D-01, D-05): with little of that its connections live, too.
if not ours then rate, recv_rate, link_rate = 5120000, 5120000, one_of("20Mbit", "1Gbit") end

network { latency = one_of("1ms", "20ms", "100ms"), rate = link_rate, loss = one_of(0, 0, 0.01), sndbuf = not ours and 65536 or nil }

-- A full last packet on a channel from 0x80 on costs upstream's connections (D-07).
local channels = {
  { id = 0x30, priority = 1,  send_queue_capacity = 20, send_queue_bytes = 262144, recv_message_capacity = 65536 },
  { id = 0x31, priority = 5,  send_queue_capacity = 3,  send_queue_bytes = 16384,  recv_message_capacity = 8192 },
  { id = ours and 0x90 or 0x50, priority = 10, send_queue_capacity = 1,  send_queue_bytes = 65536,  recv_message_capacity = 4 * payload },
  { id = 0x40, priority = 7,  send_queue_capacity = one_of(1, 2), send_queue_bytes = 65536,  recv_message_capacity = 30000 },
}
local waits = channels[4] -- the others are tried
local Load = account.reactor("load", channels)
local busy_until, calm = hurt + 100, hurt + 70

function Load:burst(peer, ch, n)
  for _ = 1, n do self:try(peer, ch, account.piece(account.size(payload, ch.recv_message_capacity))) end
end

-- Now and then to one peer: what is refused is refused.
function Load:timer(token)
  if now() >= busy_until then return end
  self:set_timer(1, math.random(1, 2000) / 1000)
  local peers = self.node:peers()
  if #peers == 0 then return end
  local peer, ch = peers[math.random(#peers)], channels[math.random(3)]
  self:burst(peer, ch, math.random(1, 2 * ch.send_queue_capacity + 2))
  if ours then self:try(peer, ch, account.piece(ch.recv_message_capacity + 1)) end
end

-- Sends that wait for their places, one after the other: for 10 s at most, or with less patience.
local function wait_in_line(self, peer, timeout)
  while now() < busy_until and peer:is_running() do
    for _ = 1, math.random(1, 8) do
      local began = now()
      local done, why = account.wait(self, peer, waits, account.piece(account.size(payload, waits.recv_message_capacity)), timeout)
      local took = now() - began
      if began > calm and (took > timeout + 0.1 or not done and why == "timeout" and timeout == 10) then
        account.blame("%s: a Send to %s waited for %.1f of %.1f s, %s", self.node.name, peer.name, took, timeout, why or "and was taken")
      end
    end
    sleep(math.random(0, 1500) / 1000)
  end
end

function Load:on_add(peer)
  self:set_timer(1, math.random(1, 1000) / 1000)
  spawn(function() wait_in_line(self, peer, 10) end)
  spawn(function() wait_in_line(self, peer, 0.5) end)
end

-- On good lines a connection only ends as somebody ends it, and what was queued before a flush stop has arrived by then.
function Load:on_remove(peer, reason, mine, theirs)
  if now() < calm or mine.flushed then return end
  -- Upstream answers no ping while it flushes: a flush that takes longer than a pong may is cut short by the other side.
  if not ours and theirs and theirs.flushed and reason == "peer_pong_timeout" then return end
  local left = theirs and account.missing(theirs)
  if not theirs or not theirs.flushed then
    account.blame("%s: %s is gone: %s", self.node.name, peer.name, reason)
  elseif left > 0 then
    account.blame("%s: %s has flushed and ended, and %d messages have not arrived", self.node.name, peer.name, left)
  end
end

-- Only one side of a connection: nobody would dial again after two orderly ends.
local function flush_one(n)
  for peer, link in pairs(n.reactors.load.open) do
    if peer.name > n.name and now() - link.added > 5 then
      for i = 1, 3 do n.reactors.load:burst(peer, channels[i], 2 * channels[i].send_queue_capacity) end
      link.flushed = true
      peer:flush_stop()
      return
    end
  end
end

local names = {}
for i = 1, N do names[i] = "n" .. i end
local all = nodes { name = "n", count = N, reactors = { Load }, p2p = {
  pex = false, max_packet_msg_payload_size = payload, send_rate = rate, recv_rate = recv_rate, ping_interval = "10s", pong_timeout = "5s",
  persistent_peers = names } }
all:start { within = "1s" }

buggify { rate = one_of("1%", "10%") }
local ops = { "partition", "hold", "reset", "link", "half_open", "pause", "short_io", "slow_reader", "cpu", "restart" }
-- In a black hole upstream's send task hangs in its write, and looks at no pong timer until the kernel gives up (a quarter of an hour).
if ours then ops[#ops + 1] = "blackhole" end
chaos { nodes = all, after = "5s", before = hurt, every = "6s", duration = { "1s", "15s" }, ops = ops }

for i = 1, N do at(calm + 2 + 3 * i, function() flush_one(all[i]) end) end

never { "a message is lost, cut, doubled or out of order", function() return account.wrong[1] ~= nil, account.wrong[1] end }
at_end { "everybody has everybody for a peer again", function()
  return all:all(function(n) return n:num_peers() == N - 1 end), table.concat(all:num_peers(), " ")
end }
at_end { "nothing is left over", function()
  for _, n in ipairs(all) do
    for _, link in pairs(n.reactors.load.open) do
      local left, channel = account.missing(link)
      if left > 0 then return false, ("%d messages from %s to %s, one on channel %#x"):format(left, link.from, link.to, channel) end
    end
  end
  return account.waiting == 0, ("%d Sends wait"):format(account.waiting)
end }
at_end { "there was something to see", function()
  return account.received > 500 and account.refused > 50 and account.ended > 4,
    ("%d sent, %d received, %d refused, %d peers lost"):format(account.sent, account.received, account.refused, account.ended)
end }
run_for(hurt + 130)
