-- How a bug is reproduced from a seed: this check fails for some seeds and holds for others, and the command that the
-- run prints at its end replays the failure bit for bit. The claim is wrong on purpose: two nodes that join a network at
-- random times are expected to be served in the order in which they came, and a lossy link does not promise that.
local N = param("nodes", 8, "nodes that join", { min = 2 })

network { latency = { "exponential", min = "10ms", mean = "60ms" }, loss = param("loss", "5%", "loss of packets") }

local hub  = node  { name = "hub", p2p = { max_num_inbound_peers = 100 } }
local late = nodes { name = "n", count = N, p2p = { persistent_peers = { hub } } }
hub:start()
for i = 1, N do at(i * 0.5, function() late[i]:start() end) end

local order = {}
every("100ms", function()
  for i = 1, N do
    if late[i]:has_peer(hub) and not order[late[i].name] then
      order[late[i].name] = true
      order[#order + 1] = i
    end
  end
end)

at_end { "first come, first served", function()
  for i = 2, #order do
    if order[i] < order[i - 1] then return false, ("n%d was served before n%d"):format(order[i - 1], order[i]) end
  end
  return #order == N, ("%d of %d were served"):format(#order, N)
end }
run_for "60s"
