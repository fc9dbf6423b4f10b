-- More good peers than the old buckets of one network hold: who has to make room in them is still a good address.
-- Upstream's specification says that it is downgraded to a new one; its code drops it.
-- Fails in: upstream, upstream-v0.38
-- Quick: peers=300
local N = param("peers", 310, "peers of one /16, each of which was useful; its four old buckets hold 65 each", { min = 280, max = 316 })

network { latency = "20ms", tcp = "none" }

local n = node { name = "n", p2p = { max_num_inbound_peers = 400, max_num_outbound_peers = 0 } }
local peers = group()
for i = 1, N do
  peers = group(peers, node { name = "p" .. i, ip = ("11.22.%d.%d"):format(1 + i // 200, 1 + i % 200), p2p = { persistent_peers = { n }, max_num_outbound_peers = 0 } })
end
n:start()

-- One comes after another, is a peer, and is found useful.
local good = 0
for i = 1, N do
  at(i, function() peers[i]:start() end)
  at(i + 5, function() good = good + (n:mark_good(peers[i]) and 1 or 0) end)
end

at_end { "each was a useful peer", function() return good == N, ("%d of %d"):format(good, N) end }
at_end { "no good address is lost", function()
  local c = n.book:counts()
  return c.total == N, ("%d of %d are in the book, %d of them old"):format(c.total, N, c.old)
end }
plot { "addresses", every = "1s", function() local c = n.book:counts() return { all = c.total, old = c.old } end }
run_for(N + 10)
log("%d useful peers, %d in the book", good, n.book:size())
