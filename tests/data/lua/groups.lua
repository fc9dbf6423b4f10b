-- What groups, nodes and books answer.
local hub   = node { name = "hub", p2p = { max_num_inbound_peers = 100 } }
local peers = nodes { name = "n", count = 6, p2p = { persistent_peers = { hub }, max_num_outbound_peers = 3 } }
local all   = group(hub, peers)

assert(#peers == 6 and peers:size() == 6 and #all == 7)
assert(peers[1].name == "n1" and peers[6].name == "n6" and peers[7] == nil and peers[0] == nil)
assert(peers[1] == peers[1] and peers[1] ~= peers[2])
assert(#group(peers, peers[2], hub, { hub, { peers } }) == 7)
assert(#peers:slice(2, 3) == 2 and peers:slice(2, 3)[1].name == "n2" and #peers:slice(5) == 2 and #peers:slice(9) == 0)
assert(#peers:without(peers:slice(1, 2)) == 4 and #all:without("hub") == 6)
assert(#peers:random(3) == 3 and peers:random().name:sub(1, 1) == "n")
assert(table.concat(peers.name, ",") == "n1,n2,n3,n4,n5,n6")
assert(hub.id:len() == 40 and hub.address == hub.id .. "@" .. hub.ip .. ":26656" and hub.profile == profile())
assert(hub.running == false and hub:num_peers() == 0 and hub.book:size() == 0)
local seen = 0
for i, n in ipairs(peers) do seen = seen + i end
assert(seen == 21)
local by_node = { [peers[2]] = 2, [peers[1]] = 1 }
for n, i in pairs(by_node) do log("%s %d", n, i) end

start(hub)
peers:start { within = "5s" }
eventually { "all meet", within = "30s", function() return hub:num_peers("inbound") == 6 end }
at_end { "looking", function()
  assert(peers:all(function(n) return n.running end))
  assert(peers:any(function(n) return n:has_peer(hub) end))
  assert(peers:count(function(n) return n:has_peer("hub") end) == 6)
  assert(#peers:filter(function(n) return n:has_peer(hub.id) end) == 6)
  assert(#peers:map(function(n) return n.index end) == 6)
  assert(peers:num_peers("outbound")[1] >= 1 and #peers:has_peer(hub) == 6)
  assert(#peers.book:size() == 6 and peers.book:has(hub)[6] == true and peers[1].book:counts().total >= 1)
  assert(#peers[1].book:addresses() == peers[1].book:size())
  local p = peers[1]:peer(hub)
  assert(p.outbound and p.persistent and p.node == hub and p.name == "hub" and p.id == hub.id and p:is_running())
  assert(p == peers[1]:peers("persistent")[1] and #peers[1]:peers(function(q) return q.name == "hub" end) == 1)
  assert(#hub:peers("inbound") == 6 and #hub:peers("outbound") == 0 and hub:peer("n1").outbound == false)
  assert(p:status().age > 10 and p:channels()[1].id == 0 and p.moniker == "hub" and tostring(hub) == "hub")
  local least, mean, most = graph.degree(all)
  assert(least >= 1 and most >= 6 and mean >= least and graph.components(all) == 1 and graph.diameter(all) <= 2)
  assert(graph.components() == 1)
  return true
end }
run_for "20s"
hub:stop()
run_for "40s"
log("components %d, diameter %s, hub runs: %s", graph.components(peers), graph.diameter(hub), hub.running)
assert(peers:all(function(n) return not n:has_peer(hub) end))
hub:restart { after = "1s", lose_disk = true }
run_for "1m"
