-- A sentry is full, and more nodes wait for a place. The line to its validator, which only dials out, is cut off again and again: the
-- validator must be back within seconds.
-- Reported in the field: tendermint#3738, tendermint#2041: a validator locked out of its own sentry.
-- Fails in: upstream, upstream-v0.38
local slots = param("slots", 10, "max_num_inbound_peers of the sentry", { min = 2 })
local limit = param("within", 12, "seconds")

network { latency = "40ms", tcp = "none" }

-- The sentry names its validator among its persistent peers, as guides tell it to; unconditional_peer_ids would help upstream, too.
local sentry    = node { name = "sentry", p2p = { persistent_peers = { "validator" }, max_num_inbound_peers = slots, max_num_outbound_peers = 2 } }
local validator = node { name = "validator", p2p = { pex = false, persistent_peers = { sentry } }, reactors = {
  reactor { name = "pex", channels = { { id = 0x00 } } } } }
local hogs      = nodes { name = "hog", count = 3 * slots, p2p = { persistent_peers = { sentry }, max_num_outbound_peers = 0 } }
unreachable(validator)
start(sentry, validator)
at("20s", function() hogs:start { within = "10s" } end)

local cuts, slowest, since = 0, 0, nil
for i = 1, 10 do
  at(60 + 60 * i, function()
    if sentry:has_peer(validator) then cuts, since = cuts + 1, now() reset(sentry, validator) end
  end)
end
every("100ms", function()
  if since and now() - since > 0.3 then
    if sentry:has_peer(validator) then slowest, since = math.max(slowest, now() - since), nil
    else slowest = math.max(slowest, now() - since) end
  end
end)
eventually { "the sentry is full", after = "30s", within = "30s", function() return sentry:num_peers("inbound") >= slots end }
at_end { ("the validator is back within %g s, each time"):format(limit), function()
  return cuts == 10 and slowest <= limit, ("%d cuts, %.1f s"):format(cuts, slowest)
end }
plot { "validator is a peer", every = "1s", function() return sentry:has_peer(validator) and 1 or 0 end }
run_for "12m"
log("%d cuts, the validator was away for %.1f s at most", cuts, slowest)
