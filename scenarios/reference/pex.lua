-- Networks of real CometBFT nodes were measured as they found each other by PEX through one seed; this is the same set-up, so
-- that the profiles upstream and upstream-v0.38 can be held against the measurements (make fidelity). Everything but the outbound
-- limit, strict book and duplicate IP is CometBFT's default. The seed starts at 0 s, the nodes in the `window` seconds after 1 s;
-- times in the rows are counted from that second.
local N         = param("nodes", 40, "nodes that join", { min = 2, max = 250 })
local K         = param("outbound", 10, "max_num_outbound_peers of each")
local seed_mode = param("seed_mode", true, "whether what stands in `seeds` is a seed")
local window    = param("window", 10, "seconds in which they start")
local latency   = param("latency", "0.1ms", "one way")
local handshake = param("handshake_cost", "0.7ms", "CPU time until two nodes are peers, on each side")

network { latency = latency, tcp = "none", handshake_cost = handshake }

local p2p = { max_num_outbound_peers = K, addr_book_strict = false, allow_duplicate_ip = true }
local seed = node { name = "seed", ip = "11.251.0.1",
                    p2p = { seed_mode = seed_mode, max_num_outbound_peers = K, addr_book_strict = false, allow_duplicate_ip = true } }
p2p.seeds = { seed }

local list = {}
for i = 1, N do list[i] = node { name = "n" .. i, ip = ("11.%d.0.1"):format(i), p2p = p2p } end
local peers = group(list)

seed:start()
at(1, function() peers:start { within = window } end)

local function running() return peers:filter(function(n) return n.running end) end
local function spread(name, values)
  if #values == 0 then return end
  table.sort(values)
  local sum = 0
  for _, v in ipairs(values) do sum = sum + v end
  metric(name .. " mean", sum / #values)
  metric(name .. " min", values[1])
end

local function requests()
  local sum = 0
  for _, c in ipairs(peers:pex_counts()) do sum = sum + c.asked end
  return sum
end

-- Times of the measurements.
for _, t in ipairs { 5, 12, 15, 20, 30, 45, 60, 90, 120, 150, 180, 200 } do
  at(t + 1, function()
    local up = running()
    metric("nodes_started", #up)
    spread("outbound", up:map(function(n) return n:num_peers("outbound") end))
    spread("peers", up:map(function(n) return n:num_peers() end))
    spread("book", up:map(function(n) return n.book:size() end))
    metric("requests_sent", requests())
    metric("seed_book", seed.book:size())
    metric("seed_banned", seed.book:counts().banned)
    metric("components", graph.components(up))
  end)
end

-- The first peer that is not the seed, by node, seconds after its start.
local first, begun, delays = {}, {}, {}
every("2ms", function()
  for i, n in ipairs(peers) do
    if not first[i] and n.running then
      begun[i] = begun[i] or now()
      if n:num_peers() > (n:has_peer(seed) and 1 or 0) then
        first[i] = true
        delays[#delays + 1] = now() - begun[i]
      end
    end
  end
  return #delays < N and now() < 200
end)

at(201, function()
  metric("nodes_with_first_peer", #delays)
  if #delays == 0 then return end
  table.sort(delays)
  metric("first_peer p50", delays[(#delays + 1) // 2])
  metric("first_peer p90", delays[math.max(1, (#delays * 9) // 10)])
end)

at_end { "every node has a peer", function() return peers:all(function(n) return n:num_peers() > 0 end) end }

plot { "outbound peers", every = "1s", percentiles = { 5, 50, 95 }, function() return peers:map(function(n) return n:num_peers("outbound") end) end }
plot { "addresses in a book", every = "1s", percentiles = { 5, 50, 95 }, function() return peers:map(function(n) return n.book:size() end) end }

run_for "205s"
