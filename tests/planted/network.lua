-- A small network that draws all the time: peers are asked for addresses, and links are lost.
network { latency = "20ms", loss = "1%" }
local nodes_ = nodes { name = "n", count = 6, p2p = { persistent_peers = { "n1" }, ensure_peers_period = "2s" } }
nodes_:start { within = "2s" }
every("3s", function() reset(nodes_[1], nodes_[1 + math.random(5)]) end)
eventually { "they meet", within = "20s", function() return nodes_[3]:num_peers() >= 1 end }
run_for "20s"
