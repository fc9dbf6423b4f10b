package main

// The cases. Each makes its own pair (or network), in one role or both, and takes it down.

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cometbft/cometbft/p2p"
)

const any = "tcp://127.0.0.1:0"

var cases = []interopCase{
	{"handshake and node info, we dial", handshakeWeDial},
	{"handshake and node info, they dial", handshakeTheyDial},
	{"messages of many sizes on three channels, there and back", messages},
	{"messages that we make arrive byte for byte", ourMessages},
	{"another network is refused, they dial", otherNetworkTheyDial},
	{"another network is refused, we dial", otherNetworkWeDial},
	{"another block version is refused", otherBlock},
	{"no common channel is refused", noChannel},
	{"a wrong id is refused, they dial", wrongID},
	{"a second connection of one id is refused", duplicateID},
	{"their pings are answered", pings},
	{"addresses by PEX from them", pexFromThem},
	{"addresses by PEX from us", pexFromUs},
	{"seed mode: they answer and hang up", seedThem},
	{"seed mode: we answer and hang up", seedUs},
	{"persistent peer: we come back after they restart", persistent},
	{"files: they load our node key and address book", filesTheyLoad},
	{"files: we load their node key and address book", filesWeLoad},
}

func fail(o *ours, format string, args ...interface{}) string {
	text := fmt.Sprintf(format, args...)
	if o != nil {
		lines := o.lines()
		if len(lines) > 12 {
			lines = lines[len(lines)-12:]
		}
		text += "\n" + strings.Join(lines, "\n")
	}
	return text
}

// pair starts both sides; we dial when weDial is set.
func pair(dir string, weDial bool, o options, args ...string) (*comet, *ours, string) {
	c, err := newComet(dir, "127.0.0.1:0", o)
	if err != nil {
		return nil, nil, err.Error()
	}
	network := o.network
	if network == "" {
		network = "interop"
	}
	if weDial {
		args = append(args, "--p2p.persistent_peers", c.address())
	}
	n, err := startOurs(dir, any, network, args...)
	if err != nil {
		c.stop()
		return nil, nil, err.Error()
	}
	if !weDial {
		if err := c.dial(n.address()); err != nil {
			defer c.stop()
			defer n.kill()
			return nil, nil, fail(n, "dial: %v", err)
		}
	}
	if !c.probe.wait(10*time.Second, func() bool { return len(c.probe.added) == 1 }) {
		defer c.stop()
		defer n.kill()
		return nil, nil, fail(n, "they did not add us")
	}
	return c, n, ""
}

func handshake(dir string, weDial bool) string {
	c, n, why := pair(dir, weDial, options{})
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	if !c.has(n.id()) {
		return fail(n, "they have no peer %s", n.id())
	}
	direction := "inbound"
	if weDial {
		direction = "outbound"
	}
	if !eventually(5*time.Second, func() bool { return n.said("added " + c.id() + " " + direction) }) {
		return fail(n, "we did not add them as %s", direction)
	}
	peer := c.sw.Peers().Get(p2p.ID(n.id()))
	if peer.NodeInfo().ID() != peer.ID() {
		return fail(n, "node info of %s says %s", peer.ID(), peer.NodeInfo().ID())
	}
	return ""
}

func handshakeWeDial(dir string) string   { return handshake(dir, true) }
func handshakeTheyDial(dir string) string { return handshake(dir, false) }

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

// refused: they dial; neither side may have a peer afterwards.
func refused(dir string, o options, network string, reason string, args ...string) string {
	c, err := newComet(dir, "127.0.0.1:0", o)
	if err != nil {
		return err.Error()
	}
	defer c.stop()
	n, err := startOurs(dir, any, network, args...)
	if err != nil {
		return err.Error()
	}
	defer n.kill()
	_ = c.dial(n.address())
	if !eventually(5*time.Second, func() bool { return !c.has(n.id()) }) {
		return fail(n, "they kept us")
	}
	if n.said("added " + c.id()) {
		return fail(n, "we added them")
	}
	if reason != "" && !eventually(3*time.Second, func() bool { return n.said(reason) }) {
		return fail(n, "our log does not give the reason %q", reason)
	}
	return ""
}

func otherNetworkTheyDial(dir string) string {
	return refused(dir, options{network: "elsewhere"}, "interop", "peer_network")
}

func otherNetworkWeDial(dir string) string {
	c, err := newComet(dir, "127.0.0.1:0", options{network: "elsewhere"})
	if err != nil {
		return err.Error()
	}
	defer c.stop()
	n, err := startOurs(dir, any, "interop", "--p2p.persistent_peers", c.address())
	if err != nil {
		return err.Error()
	}
	defer n.kill()
	if !eventually(8*time.Second, func() bool { return n.said("peer_network") }) {
		return fail(n, "our log does not say that the network is another one")
	}
	if c.sw.Peers().Size() != 0 || n.said("added") {
		return fail(n, "somebody was added")
	}
	return ""
}

func otherBlock(dir string) string {
	return refused(dir, options{block: 99}, "interop", "peer_block_version")
}

func noChannel(dir string) string {
	return refused(dir, options{channels: []byte{0x51}}, "interop", "peer_no_common_channel")
}

func wrongID(dir string) string {
	c, err := newComet(dir, "127.0.0.1:0", options{})
	if err != nil {
		return err.Error()
	}
	defer c.stop()
	n, err := startOurs(dir, any, "interop")
	if err != nil {
		return err.Error()
	}
	defer n.kill()
	err = c.dial(strings.Repeat("ab", 20) + "@" + strings.SplitN(n.address(), "@", 2)[1])
	if err == nil {
		return fail(n, "the dial succeeded")
	}
	return ""
}

func duplicateID(dir string) string {
	c, n, why := pair(dir, false, options{dupIP: true}, "--p2p.allow_duplicate_ip=true")
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	twin, err := newComet(dir, "127.0.0.1:0", options{home: c.home, dupIP: true})
	if err != nil {
		return err.Error()
	}
	defer twin.stop()
	_ = twin.dial(n.address())
	if !eventually(5*time.Second, func() bool { return n.said("duplicate_id") }) {
		return fail(n, "our log does not say duplicate_id")
	}
	if !c.has(n.id()) {
		return fail(n, "the first connection was lost")
	}
	return ""
}

func pings(dir string) string {
	c, n, why := pair(dir, false, options{ping: 300 * time.Millisecond, pong: 200 * time.Millisecond})
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	time.Sleep(2 * time.Second)
	if !c.has(n.id()) {
		return fail(n, "they dropped us: %v", c.probe.removed)
	}
	return ""
}

func pexFromThem(dir string) string {
	third, err := newComet(dir, "127.0.0.3:0", options{pex: true})
	if err != nil {
		return err.Error()
	}
	defer third.stop()
	c, err := newComet(dir, "127.0.0.2:0", options{pex: true})
	if err != nil {
		return err.Error()
	}
	defer c.stop()
	if err := c.dial(third.address()); err != nil {
		return err.Error()
	}
	_ = c.book.AddAddress(third.addr, c.addr)
	n, err := startOurs(dir, any, "interop", "--p2p.seeds", c.address())
	if err != nil {
		return err.Error()
	}
	defer n.kill()
	if !eventually(40*time.Second, func() bool { return third.has(n.id()) }) {
		return fail(n, "we did not find the third node through them")
	}
	return ""
}

func pexFromUs(dir string) string { // both come from 127.0.0.1
	n, err := startOurs(dir, any, "interop", "--p2p.allow_duplicate_ip=true")
	if err != nil {
		return err.Error()
	}
	defer n.kill()
	first, err := newComet(dir, "127.0.0.2:0", options{pex: true, seeds: []string{n.address()}})
	if err != nil {
		return err.Error()
	}
	defer first.stop()
	if !eventually(10*time.Second, func() bool { return first.has(n.id()) }) {
		return fail(n, "the first one did not connect")
	}
	second, err := newComet(dir, "127.0.0.3:0", options{pex: true, seeds: []string{n.address()}})
	if err != nil {
		return err.Error()
	}
	defer second.stop()
	if !eventually(60*time.Second, func() bool { return second.has(first.id()) || first.has(second.id()) }) {
		return fail(n, "they did not find each other through us")
	}
	return ""
}

func seedThem(dir string) string {
	c, err := newComet(dir, "127.0.0.2:0", options{pex: true, seedMode: true})
	if err != nil {
		return err.Error()
	}
	defer c.stop()
	third, err := newComet(dir, "127.0.0.3:0", options{pex: true})
	if err != nil {
		return err.Error()
	}
	defer third.stop()
	_ = c.book.AddAddress(third.addr, c.addr)
	n, err := startOurs(dir, any, "interop", "--p2p.seeds", c.address())
	if err != nil {
		return err.Error()
	}
	defer n.kill()
	if !eventually(40*time.Second, func() bool { return third.has(n.id()) }) {
		return fail(n, "we did not learn the third node from their seed")
	}
	if !eventually(10*time.Second, func() bool { return !c.has(n.id()) }) {
		return fail(n, "their seed kept us")
	}
	return ""
}

func seedUs(dir string) string {
	n, err := startOurs(dir, any, "interop", "--p2p.seed_mode=true", "--p2p.allow_duplicate_ip=true")
	if err != nil {
		return err.Error()
	}
	defer n.kill()
	first, err := newComet(dir, "127.0.0.2:0", options{pex: true, seeds: []string{n.address()}})
	if err != nil {
		return err.Error()
	}
	defer first.stop()
	if !eventually(15*time.Second, func() bool { return n.said("added "+first.id()) && n.said("removed "+first.id()) }) {
		return fail(n, "our seed did not answer and hang up")
	}
	second, err := newComet(dir, "127.0.0.3:0", options{pex: true, seeds: []string{n.address()}})
	if err != nil {
		return err.Error()
	}
	defer second.stop()
	if !eventually(60*time.Second, func() bool { return second.has(first.id()) }) {
		return fail(n, "the second one did not find the first through our seed")
	}
	return ""
}

func persistent(dir string) string {
	c, n, why := pair(dir, true, options{})
	if why != "" {
		return why
	}
	defer n.kill()
	home, listen := c.home, c.addr.DialString()
	c.stop()
	if !eventually(5*time.Second, func() bool { return n.said("removed " + c.id()) }) {
		c.stop()
		return fail(n, "we did not notice that they have gone")
	}
	again, err := newComet(dir, listen, options{home: home})
	if err != nil {
		return err.Error()
	}
	defer again.stop()
	if !eventually(25*time.Second, func() bool { return again.has(n.id()) }) {
		return fail(n, "we did not come back")
	}
	return ""
}

func filesTheyLoad(dir string) string {
	third, err := newComet(dir, "127.0.0.3:0", options{pex: true})
	if err != nil {
		return err.Error()
	}
	defer third.stop()
	n, err := startOurs(dir, any, "interop", "--p2p.seeds", third.address())
	if err != nil {
		return err.Error()
	}
	if !eventually(10*time.Second, func() bool { return third.has(n.id()) }) {
		n.kill()
		return fail(n, "not connected")
	}
	time.Sleep(500 * time.Millisecond)
	second, err := newComet(dir, "127.0.0.4:0", options{pex: true})
	if err != nil {
		n.kill()
		return err.Error()
	}
	defer second.stop()
	if err := second.dial(n.address()); err != nil {
		n.kill()
		return fail(n, "dial: %v", err)
	}
	if !eventually(5*time.Second, func() bool { return n.said("added " + second.id()) }) {
		n.kill()
		return fail(n, "second was not added")
	}
	if !n.stop() {
		return fail(n, "we did not end with code 0")
	}
	c, err := newComet(dir, "127.0.0.2:0", options{home: n.home, pex: true})
	if err != nil {
		return fail(n, "they cannot use our home: %v", err)
	}
	defer c.stop()
	if c.id() != n.id() {
		return fail(n, "our key gives them %s, us %s", c.id(), n.id())
	}
	if !c.book.HasAddress(second.addr) {
		raw, _ := os.ReadFile(filepath.Join(n.home, "config", "addrbook.json"))
		return fail(n, "they do not see %s in our book: %s", second.address(), raw)
	}
	return ""
}

func filesWeLoad(dir string) string {
	third, err := newComet(dir, "127.0.0.3:0", options{pex: true})
	if err != nil {
		return err.Error()
	}
	defer third.stop()
	c, err := newComet(dir, "127.0.0.2:0", options{pex: true})
	if err != nil {
		return err.Error()
	}
	_ = c.book.AddAddress(third.addr, c.addr)
	c.book.Save()
	c.stop()
	n, err := startOursAt(c.home, any, "interop")
	if err != nil {
		return err.Error()
	}
	defer n.kill()
	if n.id() != c.id() {
		return fail(n, "their key gives us %s, them %s", n.id(), c.id())
	}
	if !eventually(40*time.Second, func() bool { return third.has(n.id()) }) {
		return fail(n, "we did not dial what their book holds")
	}
	return ""
}
