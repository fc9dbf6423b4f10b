-- Cuts, restarts, links and names.
network { latency = { "normal", mean = "30ms", deviation = "3ms", max = "60ms" }, rate = "10Mbit", loss = "0.1%", queue = "64KiB", mtu = 1400 }
local a = node { name = "a", p2p = { persistent_peers = "b", allow_duplicate_ip = true, send_rate = 1000000, recv_rate = "8Mbit" } }
local b = node { name = "b", ip = "9.8.7.6" }
local c = node { name = "c", p2p = { persistent_peers = { a, b }, flush_throttle_timeout = "20ms", pong_timeout = "20s", ping_interval = "30s" } }
assert(b.ip == "9.8.7.6")
start(a, b, c)
link { from = a, to = c, latency = "uniform(5ms, 15ms)", one_way = true }
local log_of = {}
local function note(text) log_of[#log_of + 1] = ("%s@%.0f"):format(text, now()) end
at("20s", function() isolate(b) note "isolated" end)
at("130s", function() heal() note "healed" end)
at("170s", function() b:restart { crash = true, after = "2s", lose_disk = true } note "crashed" end)
at("200s", function() reset(a, c) note "reset" end)
at("230s", function() blackhole(a, b, { one_way = true }) refuse(c, b) heal(a, b) heal({ b }, { c }) end)
every("50s", function() note "tick" return now() < 100 end, { after = "50s", before = "1h" })
spawn(function()
  sleep "10s"
  assert(now() == 10)
  wait_until(function() return not a:has_peer(b) end, "2m")
  note "noticed"
  local p = a:wait_peer(b, "3m")
  assert(p.node == b)
end)
eventually { "all together", within = "20s", function() return graph.components() == 1 and a:num_peers() == 2 end }
eventually { "b is lost", after = "20s", within = "110s", function() return a:num_peers() == 1 end }
eventually { "b is back", after = "130s", within = "30s", function() return a:num_peers() == 2 end }
eventually { "b is back after its crash", after = "175s", within = "30s", function() return a:num_peers() == 2 and c:num_peers() == 2 end }
at_end { "all stands", function() return graph.diameter() == 1 end }
metric("answer", 42, { node = a, channel = 0x30 })
run_for "5m"
log(table.concat(log_of, " "))
