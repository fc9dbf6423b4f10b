-- A seed answers and hangs up, over lines that lose up to a tenth of what is sent: who was let in has the whole answer.
-- Reported in the field: seeds that closed before their addresses had arrived, or had been read.
local stale = require "lib.stale"
local N    = param("nodes", 44, "nodes that ask the seed", { min = 11 })
local most = param("loss", 0.1, "loss of the worst lines; the others lie evenly between it and none", { min = 0, max = 0.2 })
local slow = param("slow", "64kbit", "rate of every fourth line: the answer takes seconds there")

network { latency = "40ms" }

local seed = node { name = "seed", p2p = { seed_mode = true, crawl_dials = 1 }, book = stale.nowhere(400) }
local new  = nodes { name = "n", count = N, p2p = { max_num_outbound_peers = 0 } }

seed:start()
new:start()
for i, n in ipairs(new) do
  link { from = seed, to = n, loss = most * ((i - 1) % 11) / 10, rate = i % 4 == 0 and slow or nil }
end

-- Each dials until it is let in, once. Its book is then what the one answer said.
local let_in, told, late = 0, {}, 0
for i, n in ipairs(new) do
  at(1 + i / 4, function()
    spawn(function()
      repeat
        n:dial(seed)
        sleep(0.05)
        local tries = 0
        while not n:has_peer(seed) and tries < 100 do tries = tries + 1 sleep(0.05) end
      until n:has_peer(seed)
      let_in = let_in + 1
      wait_until(function() return not n:has_peer(seed) end, "90s", "50ms")
      told[#told + 1] = n.book:size()
      metric("told", n.book:size(), { node = n.name })
    end)
  end)
end

local expected = 92 -- 23 % of 400
at_end { "everybody was let in, and the seed hung up on everybody", function()
  return let_in == N and #told == N, ("%d let in, %d ended"):format(let_in, #told)
end }
at_end { "whoever was let in has the whole answer", function()
  for _, size in ipairs(told) do
    if size < expected - 3 then return false, ("one got %d addresses of about %d"):format(size, expected) end
  end
  return #told > 0
end }

plot { "slots of the seed", every = "1s", function() return seed:num_peers() end }

run_for(1 + N / 4 + 120)
