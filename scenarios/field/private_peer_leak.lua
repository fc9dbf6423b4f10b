-- Validators behind sentries: each sentry keeps its validator's address to itself. An hour of peer exchange, and nobody else knows it.
-- Reported in the field: tendermint#1705, tendermint#1706: private addresses that leaked.
local V      = param("validators", 4, "validators, each with two sentries", { min = 1 })
local hidden = param("private", true, "whether sentries name their validators in private_peer_ids (false: the scenario must fail)")

network { regions = { "us-east", "eu-west", "ap-southeast" }, tcp = "none" }

local seed = node { name = "seed", p2p = { seed_mode = true } }
local validators, sentries = group(), group()
for i = 1, V do
  local v, a, b = "v" .. i, ("s%da"):format(i), ("s%db"):format(i)
  validators = group(validators, node { name = v, p2p = { persistent_peers = { a, b }, pex = false }, reactors = {
    reactor { name = "pex", channels = { { id = 0x00 } } } } })
  for _, s in ipairs { a, b } do
    sentries = group(sentries, node { name = s, p2p = { seeds = { seed }, persistent_peers = { v }, unconditional_peer_ids = { v },
      private_peer_ids = hidden and { v } or {} } })
  end
end
local others = nodes { name = "n", count = 20, p2p = { seeds = { seed } } }
start(seed, validators)
group(sentries, others):start { within = "20s" }

local function knows(n)
  for _, v in ipairs(validators) do if n.book:has(v) then return true end end
  return false
end
eventually { "every validator has its sentries", within = "1m", function() return validators:all(function(v) return v:num_peers() == 2 end) end }
eventually { "the others know the sentries", within = "10m", function()
  return others:all(function(n) return n.book:size() >= #sentries end)
end }
never { "somebody else's book has a validator", every = "5s", function() return others:any(knows) or knows(seed) end }
never { "a validator has a third peer", every = "5s", function() return validators:any(function(v) return v:num_peers() > 2 end) end }
run_for "1h"
log("%d books, %d of them with a validator", #others + 1, others:count(knows) + (knows(seed) and 1 or 0))
