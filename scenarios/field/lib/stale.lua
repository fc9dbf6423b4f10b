-- A network with books from better times: most of the addresses that its nodes advertise are dead. Its nodes run three profiles.
local stale = {}

-- n addresses where nobody lives, each in a /16 of its own. The simulator's hosts draw theirs: one in 65,000 may be taken.
function stale.nowhere(n)
  local list = {}
  for i = 1, n do list[i] = ("%040x@%d.%d.77.7:26656"):format(i, 24 + i % 76, 1 + i // 76) end
  return table.concat(list, ",")
end

-- addresses: how many are advertised; dead: the share that is dead, half of it hosts that refuse, half of it nowhere.
-- Returns the seed, the group of those that live, and a table from address to living node.
function stale.network(addresses, dead)
  local D = math.floor(addresses * dead)
  local L, book = addresses - D, { stale.nowhere(D // 2), nodes { name = "closed", count = D - D // 2 } }
  for i = 1, math.min(10, L // 3) do book[#book + 1] = ("n1-%d,n2-%d,n3-%d"):format(i, i, i) end
  local seed, live = node { name = "seed", p2p = { seed_mode = true }, book = book }, group()
  for i, kind in ipairs { "default", "upstream", "upstream-v0.38" } do
    local count = L // 3 + (i <= L % 3 and 1 or 0)
    live = group(live, nodes { name = ("n%d-"):format(i), count = count, profile = kind, book = book, p2p = { seeds = { seed } } })
  end
  local at = {}
  for _, n in ipairs(live) do at[n.address] = n end
  return seed, live, at
end

-- How many addresses a book has, and how many of them can be connected to.
function stale.count(book, at)
  local all, up = 0, 0
  for _, address in ipairs(book:addresses()) do
    all = all + 1
    if at[address] and at[address].running then up = up + 1 end
  end
  return all, up
end

return stale
