package main

// Messages, byte for byte, up to the receive capacity of their channel and one byte over it; and what a flush stop delivers.

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cometbft/cometbft/p2p"
)

var messageCases = slices.Concat(
	bothRoles("messages of 1 byte to the limit of the channel, there and back", messages("default")),
	bothRoles("messages of 1 byte to the limit of the channel, upstream", messages("upstream")),
	bothRoles("messages that we make arrive byte for byte", ourMessages),
	bothRoles("a byte over our limit from them ends the connection", theirMessageTooLong(narrow, ourNarrowBytes)),
	bothRoles("a byte over our limit of 4 MiB from them ends the connection", theirMessageTooLong(0x71, wideBytes)),
	bothRoles("a byte over their limit from us ends the connection", ourMessageTooLong),
	bothRoles("their flush stop delivers all that was queued", theirFlushStop),
	bothRoles("our flush stop delivers all that was queued", ourFlushStop("default")),
	bothRoles("our flush stop delivers all that was queued, upstream", ourFlushStop("upstream")),
)

// pattern is a message that no other one of a case equals.
func pattern(size, salt int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte((i*7 + i>>8 + salt*13) % 251)
	}
	return b
}

// echo sends a message and compares what comes back.
func echo(c *comet, n *ours, ch byte, want []byte) string {
	c.probe.clear()
	if !c.send(n.id(), ch, want) {
		return fail(n, "could not send %d bytes on %#x", len(want), ch)
	}
	if !c.probe.wait(30*time.Second, func() bool { return len(c.probe.got) == 1 }) {
		return fail(n, "%d bytes on %#x did not come back", len(want), ch)
	}
	got := c.probe.heard()[0]
	if got.ch != ch || !bytes.Equal(got.data, want) {
		return fail(n, "%d bytes on %#x came back changed (%d on %#x)", len(want), ch, len(got.data), got.ch)
	}
	return ""
}

func messages(profile string) func(dir string, weDial bool) string {
	return func(dir string, weDial bool) string {
		c, n, why := pair(dir, weDial, options{}, "--profile", profile)
		if why != "" {
			return why
		}
		defer c.stop()
		defer n.kill()
		return echoes(c, n)
	}
}

func echoes(c *comet, n *ours) string {
	sizes := []int{1, 2, 1022, 1023, 1024, 1025, 1026, 2047, 2048, 2049, 65536, 1 << 20, wideBytes}
	for _, ch := range []byte{0x70, 0x71, 0x72} {
		for i, size := range sizes {
			if why := echo(c, n, ch, pattern(size, int(ch)+i)); why != "" {
				return why
			}
		}
	}
	for i, size := range []int{1, 1023, 1024, 1025, ourNarrowBytes - 1, ourNarrowBytes} {
		if why := echo(c, n, narrow, pattern(size, i)); why != "" {
			return why
		}
	}
	return ""
}

// madeByUs is the i-th message of probe.lua's "!make".
func madeByUs(i, size int) string {
	unit := fmt.Sprintf("%08d:", i)
	return strings.Repeat(unit, size/len(unit)+1)[:size]
}

// inOrder compares all that was heard with what probe.lua makes, channel by channel.
func inOrder(c *comet, size int) string {
	next := map[byte]int{}
	for _, h := range c.probe.heard() {
		next[h.ch]++
		if string(h.data) != madeByUs(next[h.ch], size) {
			return fmt.Sprintf("message %d on %#x is not what was asked for", next[h.ch], h.ch)
		}
	}
	return ""
}

func ourMessages(dir string, weDial bool) string {
	c, n, why := pair(dir, weDial, options{})
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	const size, count = 30000, 30
	channels := []byte{0x70, 0x71, 0x72, narrow}
	for _, ch := range channels {
		if !c.say(n, "!make %d %d %d", ch, size, count) {
			return fail(n, "could not ask")
		}
	}
	if !c.probe.wait(30*time.Second, func() bool { return len(c.probe.got) == len(channels)*count }) {
		return fail(n, "%d of %d messages arrived", len(c.probe.heard()), len(channels)*count)
	}
	if why := inOrder(c, size); why != "" {
		return fail(n, "%s", why)
	}
	return ""
}

func theirMessageTooLong(ch byte, limit int) func(dir string, weDial bool) string {
	return func(dir string, weDial bool) string {
		c, n, why := pair(dir, weDial, options{})
		if why != "" {
			return why
		}
		defer c.stop()
		defer n.kill()
		if !c.send(n.id(), ch, pattern(limit+1, 1)) {
			return fail(n, "could not send")
		}
		if !eventually(20*time.Second, func() bool { return n.said("removed " + c.id() + " peer_message_too_long") }) {
			return fail(n, "we did not remove them for it")
		}
		if !n.said("heard 112=0/0 113=0/0 114=0/0 115=0/0") {
			return fail(n, "the message was delivered")
		}
		if !c.probe.wait(10*time.Second, func() bool { return len(c.probe.removed) == 1 }) {
			return fail(n, "they keep us")
		}
		return ""
	}
}

func ourMessageTooLong(dir string, weDial bool) string {
	const limit = 50000
	c, n, why := pair(dir, weDial, options{narrowBytes: limit})
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	c.say(n, "!make %d %d %d", narrow, limit, 1)
	if !c.probe.wait(10*time.Second, func() bool { return len(c.probe.got) == 1 && len(c.probe.got[0].data) == limit }) {
		return fail(n, "a message of their limit did not arrive")
	}
	c.say(n, "!make %d %d %d", narrow, limit+1, 1)
	if !c.probe.wait(10*time.Second, func() bool { return len(c.probe.removed) == 1 }) {
		return fail(n, "they keep us")
	}
	if why := c.probe.whyRemoved(n.id()); !strings.Contains(why, "exceeds available capacity") {
		return fail(n, "they removed us for another reason: %s", why)
	}
	if !eventually(5*time.Second, func() bool { return n.said("removed " + c.id() + " peer_") }) {
		return fail(n, "we did not notice")
	}
	return ""
}

func theirFlushStop(dir string, weDial bool) string {
	const size, count = 30000, 20 // their queue holds 100
	c, n, why := pair(dir, weDial, options{})
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	c.say(n, "!sink")
	peer := c.sw.Peers().Get(p2p.ID(n.id()))
	for i := 0; i < count; i++ {
		for _, ch := range []byte{0x70, 0x71, 0x72} {
			if !peer.TrySend(p2p.Envelope{ChannelID: ch, Message: &raw{pattern(size, i)}}) {
				return fail(n, "their queue is full at %d", i)
			}
		}
	}
	peer.FlushStop()
	c.sw.StopPeerGracefully(peer)
	if !eventually(20*time.Second, func() bool { return n.said("removed " + c.id() + " peer_") }) {
		return fail(n, "we did not notice their end")
	}
	all := fmt.Sprintf("%d/%d", count, count*size)
	if !n.said("heard 112=" + all + " 113=" + all + " 114=" + all) {
		return fail(n, "not all %s messages of each channel were delivered", all)
	}
	return ""
}

func ourFlushStop(profile string) func(dir string, weDial bool) string {
	return func(dir string, weDial bool) string {
		const size, count = 30000, 20
		c, n, why := pair(dir, weDial, options{}, "--profile", profile)
		if why != "" {
			return why
		}
		defer c.stop()
		defer n.kill()
		c.say(n, "!flush %d %d", size, count)
		if !c.probe.wait(20*time.Second, func() bool { return len(c.probe.removed) == 1 }) {
			return fail(n, "they did not notice our end")
		}
		if got := len(c.probe.heard()); got != 3*count {
			return fail(n, "%d of %d messages arrived", got, 3*count)
		}
		if why := inOrder(c, size); why != "" {
			return fail(n, "%s", why)
		}
		return ""
	}
}
