-- Address books meet full disks, torn writes and rot: whatever is left of the book, the node starts and finds its network again.
-- Reported in the field: a node whose addrbook.json is cut off does not start, or starts into a network that it has forgotten.
local N = param("nodes", 16, "nodes of the network", { min = 8 })

network { latency = "40ms", loss = "0.1%" }

local seed  = node  { name = "seed", p2p = { seed_mode = true } }
local peers = nodes { name = "n", count = N, p2p = { seeds = { seed }, max_num_outbound_peers = 4 } }
local full, torn, rotten, dark = peers[1], peers[2], peers[3], peers[4]
local hit   = group(full, torn, rotten, dark)

seed:start()
peers:start { within = "5s" }

local before, after = {}, {}
at("6m", function() disk(full, { full = true }) disk(torn, { torn = true }) end)
at("8m", function() torn:save_book() full:save_book() rot(rotten) disk(dark, { unreadable = true }) end)
at("9m", function()
  for i, n in ipairs(hit) do before[i] = n.book:size() end
  hit:restart { after = "2s", crash = true }
end)
at("542.5s", function() after = full.book:size() end)
at("10m", function() disk(hit) end)

at_end { "a full disk leaves the book of before", function() return after >= 0.5 * before[1], ("%d, then %d"):format(before[1], after) end }
never { "a disk that cannot be read lets a node start", after = "543s", within = "55s", function() return dark.running end }
always { "the others run", after = "543s", function() return full.running and torn.running and rotten.running end }
eventually { "everybody runs again", after = "10m", within = "5s", function() return hit:all(function(n) return n.running end) end }
eventually { "and is in the network", after = "10m", within = "5m", function() return graph.components(peers) == 1 end }
run_for "16m"
