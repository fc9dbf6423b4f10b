-- What a book holds at the first start: nodes that run, nodes that never do, addresses where nobody lives, and not oneself.
local live    = nodes { name = "n", count = 3 }
local dead    = nodes { name = "d", count = 2 }
local nowhere = ("%040x@10.1.2.3:26656"):format(1)
local there   = ("%040x@203.7.0.1:26656"):format(2)
local a = node { name = "a", book = { live, dead, "a", there, nowhere } }
local b = node { name = "b", p2p = { seed_mode = true }, book = { a } }
local c = node { name = "c", p2p = { addr_book_strict = false }, book = nowhere .. ", n1" }

start(a, b, c, live)
at("0.01s", function()
  assert(a.book:size() == 6 and not a.book:has(a) and a.book:has("d2") and a.book:has(("%040x"):format(2)))
  assert(b.book:size() == 1 and b.book:has(a) and c.book:size() == 2 and dead[1].book:size() == 0)
  assert(b.book:counts().verified == 0)
end)
eventually { "a dials what its book holds", within = "30s", function() return live:all(function(n) return a:has_peer(n) end) end }
eventually { "the seed has verified a", within = "30s", function() return b.book:counts().verified >= 1 end }
at("40s", function() a:restart { lose_disk = true } end)
run_for "41.05s"
assert(a.book:size() < 6)
