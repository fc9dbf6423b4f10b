package main

// Messages, byte for byte.

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

var messageCases = []interopCase{
	{"messages of many sizes on three channels, there and back, they dial", messages},
	{"messages that we make arrive byte for byte, we dial", ourMessages},
}

func pattern(size, salt int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte((i*7 + i>>8 + salt*13) % 251)
	}
	return b
}

func messages(dir string) string {
	c, n, why := pair(dir, false, options{})
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	sizes := []int{1, 2, 1000, 1019, 1020, 1021, 1022, 1023, 1024, 1025, 2048, 65536, 1 << 20}
	for _, ch := range []byte{0x70, 0x71, 0x72} {
		for i, size := range sizes {
			want := pattern(size, int(ch)+i)
			c.probe.mtx.Lock()
			c.probe.got = nil
			c.probe.mtx.Unlock()
			if !c.send(n.id(), ch, want) {
				return fail(n, "could not send %d bytes on %#x", size, ch)
			}
			if !c.probe.wait(10*time.Second, func() bool { return len(c.probe.got) == 1 }) {
				return fail(n, "%d bytes on %#x did not come back", size, ch)
			}
			c.probe.mtx.Lock()
			got := c.probe.got[0]
			c.probe.mtx.Unlock()
			if got.ch != ch || !bytes.Equal(got.data, want) {
				return fail(n, "%d bytes on %#x came back changed (%d on %#x)", size, ch, len(got.data), got.ch)
			}
		}
	}
	return ""
}

func ourMessages(dir string) string {
	c, n, why := pair(dir, true, options{})
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	const size, count = 30000, 30
	for _, ch := range []int{0x70, 0x71, 0x72} {
		if !c.send(n.id(), 0x70, []byte(fmt.Sprintf("!make %d %d %d", ch, size, count))) {
			return fail(n, "could not ask")
		}
	}
	if !c.probe.wait(20*time.Second, func() bool { return len(c.probe.got) == 3*count }) {
		return fail(n, "%d of %d messages arrived", len(c.probe.got), 3*count)
	}
	next := map[byte]int{0x70: 1, 0x71: 1, 0x72: 1}
	for _, h := range c.probe.got {
		unit := fmt.Sprintf("%08d:", next[h.ch])
		want := strings.Repeat(unit, size/len(unit)+1)[:size]
		if string(h.data) != want {
			return fail(n, "message %d on %#x is not what was asked for", next[h.ch], h.ch)
		}
		next[h.ch]++
	}
	return ""
}
