-- Messages under account: what a connection has taken arrives once, whole, and in the order of its channel, or the connection is over.
-- Every node keeps a book of what it has sent on each connection; who receives looks into the sender's book. Each connection
-- begins on every channel with its number, so that a receiver knows whose book that is, also while one side has dialled again already.
local account = { wrong = {}, sent = 0, received = 0, refused = 0, ended = 0, waiting = 0 }

local SIZE = 1 << 18
local words = {}
for i = 1, SIZE // 8 do words[i] = string.pack("<I8", math.random(0)) end
local text = table.concat(words) -- each message is a piece of it
local links = {}                 -- by number: a direction of a connection

-- Notes what must not happen; the first of it goes into the verdict.
function account.blame(format, ...)
  account.wrong[#account.wrong + 1] = ("%.3f s: "):format(now()) .. format:format(...)
end

-- A piece of n bytes.
function account.piece(n)
  local at = math.random(1, SIZE - n)
  return text:sub(at, at + n - 1)
end

-- A size that is hard to cut into packets of `payload` bytes: around their bounds, tiny, or anything up to `most`.
function account.size(payload, most)
  local kind = math.random(6)
  local n = kind == 1 and math.random(1, 130)
    or kind == 2 and math.random(1, most)
    or kind == 3 and most - math.random(0, 1)
    or kind == 4 and math.random(880, 1040)
    or payload * math.random(1, 4) + math.random(-1, 1)
  return math.min(math.max(n, 1), most)
end

-- Why a connection between honest nodes may end; anything else is blamed.
local honest = { peer_closed = true, peer_reset = true, peer_pong_timeout = true, duplicate_id = true, stopped = true, timeout = true }

function account.allow(reason) honest[reason] = true end

local function new_link(from, to)
  local l = { number = #links + 1, from = from, to = to, books = {} }
  links[l.number] = l
  return l
end

-- `out` and `bytes` are what has not arrived: never less than what the queue holds. The number of the link comes first.
local function new_book(hello)
  return { first = 1, last = 0, out = 1, bytes = #hello }
end

local function write_down(link, channel, bytes)
  local entry, book = { bytes = bytes }, link.books[channel]
  book.last = book.last + 1
  book[book.last] = entry
  book.out, book.bytes = book.out + 1, book.bytes + #bytes
  return entry
end

local function strike_out(book, bytes)
  book.out, book.bytes = book.out - 1, book.bytes - #bytes
end

-- The next message that must arrive, or nil. Sends that have failed are passed over.
local function next_of(book)
  while book[book.first] and book[book.first].void do
    book[book.first] = nil
    book.first = book.first + 1
  end
  return book[book.first]
end

-- What was asked for must agree with what the connection says of itself, and a queue is only full when it can be.
local function check_answer(link, ch, bytes, could, taken, why)
  local book, valid = link.books[ch.id], #bytes > 0 and #bytes <= ch.recv_message_capacity
  local wrong = taken and not could and "taken although can_send said no"
    or taken and not valid and "taken, a message of this size"
    or not taken and why == "queue_full" and book.out < ch.send_queue_capacity and book.bytes + #bytes <= ch.send_queue_bytes
      and ("full, with %d messages and %d bytes on their way"):format(book.out, book.bytes)
    or not taken and why ~= "queue_full" and valid and not link.flushed and "refused: " .. why
  if wrong then account.blame("%s to %s, channel %#x, %d bytes: %s", link.from, link.to, ch.id, #bytes, wrong) end
end

-- A reactor that keeps such books. Each channel names priority, capacities and bytes; `waits` marks those of account.wait.
function account.reactor(name, channels)
  local Class = reactor { name = name, channels = channels }

  function Class:start() self.open, self.heard = {}, {} end

  function Class:init_peer(peer)
    if self.open[peer] then account.blame("%s: %s begins twice", self.node.name, peer.name) end
    self.open[peer], self.heard[peer] = new_link(self.node.name, peer.name), {}
  end

  function Class:add_peer(peer)
    local link = self.open[peer]
    link.added = now()
    local hello = "link " .. link.number
    for _, ch in ipairs(channels) do
      link.books[ch.id] = new_book(hello)
      if not peer:try_send(ch.id, hello) then account.blame("%s: the first message is refused", self.node.name) end
    end
    if self.on_add then self:on_add(peer) end
  end

  function Class:try(peer, ch, bytes)
    local could = peer:can_send(ch.id)
    local taken, why = peer:try_send(ch.id, bytes)
    local link = self.open[peer]
    check_answer(link, ch, bytes, could, taken, why)
    if not taken then account.refused = account.refused + 1 return false end
    account.sent = account.sent + 1
    write_down(link, ch.id, bytes)
    return true
  end

  function Class:receive(peer, channel, msg)
    local heard = self.heard[peer]
    if not heard then account.blame("%s: %s is no peer (any more) and speaks", self.node.name, peer.name) return end
    local link = heard[channel]
    if not link then
      link = links[tonumber(msg:match("^link (%d+)$") or 0)]
      heard[channel] = link
      if not link or link.from ~= peer.name or link.to ~= self.node.name then
        account.blame("%s: the first message of %s on channel %#x is not its own", self.node.name, peer.name, channel)
        return false
      end
      heard.link = heard.link or link
      if heard.link ~= link then account.blame("%s: two connections of %s in one", self.node.name, peer.name) end
      strike_out(link.books[channel], msg)
      return
    end
    local book = link.books[channel]
    local entry = next_of(book)
    if not entry or entry.bytes ~= msg then
      account.blame("%s: of %s on channel %#x came %d bytes, not the %s that were next", self.node.name, peer.name, channel, #msg,
        entry and #entry.bytes or "none")
      return false
    end
    entry.arrived = true
    strike_out(book, msg)
    book[book.first] = nil
    book.first = book.first + 1
    account.received = account.received + 1
    if self.on_message then self:on_message(peer, channel, msg) end
  end

  function Class:remove_peer(peer, reason)
    local link = self.open[peer]
    if not link then account.blame("%s: %s ends twice", self.node.name, peer.name) return end
    link.over, link.reason = now(), reason
    self.open[peer] = nil
    if not honest[reason] then account.blame("%s: %s is gone: %s", self.node.name, peer.name, reason) end
    local theirs = self.heard[peer].link
    self.heard[peer] = nil
    account.ended = account.ended + 1
    if self.on_remove then self:on_remove(peer, reason, link, theirs) end
  end
  return Class
end

-- How many messages of a direction have not arrived, and a channel of theirs.
function account.missing(link)
  local n, least = 0, nil
  for channel, book in pairs(link.books) do
    for i = book.first, book.last do
      if not book[i].void then n = n + 1 least = least or channel end
    end
  end
  return n, least
end

-- In a process: a Send that waits. Its result must agree with what arrives.
function account.wait(instance, peer, ch, bytes, timeout)
  local link = instance.open[peer]
  if not link then return false, "no_peer" end
  local entry = write_down(link, ch.id, bytes)
  account.waiting = account.waiting + 1
  local done, why = peer:send(ch.id, bytes, timeout)
  account.waiting = account.waiting - 1
  if done then account.sent = account.sent + 1 return true end
  if entry.arrived then account.blame("%s to %s: a Send failed (%s), and its message arrived", link.from, link.to, why) end
  entry.void = true
  strike_out(link.books[ch.id], bytes)
  return false, why
end

return account
