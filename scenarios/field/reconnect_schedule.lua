-- A persistent peer is away for three days. It is dialled again on a schedule that neither storms nor gives up, and is found when it
-- comes back.
-- Reported in the field: cometbft#3519 (documented as a day, was 8 hours), cometbft#4377, cosmos-sdk#2436: the tries end, and with them the peering.
-- Fails in: upstream, upstream-v0.38
local away = param("away", 72, "hours", { min = 0.02 })

network { latency = "40ms", tcp = "none" }

-- Without pex, which dials on a schedule of its own.
local Quiet = reactor { name = "quiet", channels = { { id = 0x70 } } }
local gone  = node { name = "gone", reactors = { Quiet }, p2p = { pex = false } }
local n     = node { name = "n", reactors = { Quiet }, p2p = { pex = false, persistent_peers = { gone } } }
start(gone, n)
at("1m", function() power_off(gone) end)
at(60 + away * 3600, function() power_on(gone) end)

-- dials: when each try began, from the moment when the loss was noticed.
local dials, lost = {}, nil
watch { n, events = { "dial", "peer_removed" }, function(_, e)
  if e.event == "peer_removed" then lost = lost or now()
  elseif lost and now() < 60 + away * 3600 then dials[#dials + 1] = now() - lost end
end }

local function gap(i) return dials[i + 1] - dials[i] end
at_end { "the loss is noticed", function() return lost and lost < 60 + 110 end }
at_end { "the first twenty tries are five to eight seconds and the time of a dial apart", function()
  for i = 1, math.min(20, #dials) - 1 do
    if gap(i) < 5 or gap(i) > 12 then return false, ("%.1f s after try %d"):format(gap(i), i) end
  end
  return #dials >= 20
end }
at_end { "then ever fewer: a gap is at most three times the one before it and the time of a dial", function()
  for i = 21, #dials - 1 do
    if gap(i) < gap(i - 1) / 4 or gap(i) > 3 * gap(i - 1) + 12 then return false, ("%.0f s, then %.0f s"):format(gap(i - 1), gap(i)) end
  end
  return #dials >= 25
end }
eventually { "it is found within a day of its return", after = 60 + away * 3600, within = "1d", function() return n:has_peer(gone) end }
plot { "tries so far", every = "10m", function() return #dials end }
run_for(60 + away * 3600 + 25 * 3600)
log("%d tries, the last %.1f h after the loss, %s", #dials, (dials[#dials] or 0) / 3600, n:has_peer(gone) and "found again" or "given up")
