package main

// Addresses: asked for, answered, and sent when nobody asked.

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cosmos/gogoproto/proto"

	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/pex"
	tmp2p "github.com/cometbft/cometbft/proto/tendermint/p2p"
)

var pexCases = slices.Concat(
	[]interopCase{
		{"we find a third node through them, we dial", pexFromThem},
		{"they find each other through us, they dial", pexFromUs},
	},
	bothRoles("a request of theirs is answered from our book", theyAsk),
	bothRoles("a request of ours is answered from their book", weAsk),
	bothRoles("a list from them that nobody asked for: disconnect, ban", unsolicitedFromThem),
	bothRoles("a list from us that nobody asked for: disconnect, ban", rudeFromUs("unsolicited", "unsolicited")),
	bothRoles("unreadable lists from them: disconnect, ban", malformedFromThem),
	bothRoles("an address without an IP from us: disconnect, ban", rudeFromUs("bad ip", "invalid IP")),
	bothRoles("an address without a port from us: disconnect, ban", rudeFromUs("bad port", "invalid port")),
	bothRoles("a PEX message of no kind from us: disconnect", rudeFromUs("neither request nor list", "unknown pex message")),
	bothRoles("bytes that are no message from us: disconnect", rudeFromUs("garbage", "recovered from panic")),
	bothRoles("three requests at once from us: disconnect, ban", rudeFromUs("flood", "sent next PEX request too soon")),
	bothRoles("three requests at once from them, upstream: disconnect, ban", floodFromThem("upstream")),
	bothRoles("three requests at once from them, upstream-v0.38: disconnect, ban", floodFromThem("upstream-v0.38")),
	bothRoles("three requests at once from them, default: answered later (D-20)", earlyFromThem),
	bothRoles("many requests at once from them, default: disconnect, ban", floodFromThem("default")),
)

func pexFromThem(dir string) string {
	third, err := newComet(dir, fresh(), options{pex: true})
	if err != nil {
		return err.Error()
	}
	defer third.stop()
	c, err := newComet(dir, fresh(), options{pex: true})
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
	first, err := newComet(dir, fresh(), options{pex: true, seeds: []string{n.address()}})
	if err != nil {
		return err.Error()
	}
	defer first.stop()
	if !eventually(10*time.Second, func() bool { return first.has(n.id()) }) {
		return fail(n, "the first one did not connect")
	}
	second, err := newComet(dir, fresh(), options{pex: true, seeds: []string{n.address()}})
	if err != nil {
		return err.Error()
	}
	defer second.stop()
	if !eventually(60*time.Second, func() bool { return second.has(first.id()) || first.has(second.id()) }) {
		return fail(n, "they did not find each other through us")
	}
	return ""
}

// ------------------------------------------------------------------ requests and answers

// addresses are dead ones, spread over many /16 so that a book has room for them.
func addresses(count int) []*p2p.NetAddress {
	list := make([]*p2p.NetAddress, count)
	for i := range list {
		list[i] = &p2p.NetAddress{ID: p2p.ID(fmt.Sprintf("%040x", i+1)), IP: net.IPv4(127, byte(1+i%100), 0, byte(1+i/100)), Port: 1}
	}
	return list
}

// filled puts addresses into a book.
func filled(book pex.AddrBook, list []*p2p.NetAddress) string {
	for _, a := range list {
		if err := book.AddAddress(a, a); err != nil {
			return err.Error()
		}
	}
	if book.Size() != len(list) {
		return fmt.Sprintf("the book took %d of %d addresses", book.Size(), len(list))
	}
	return ""
}

// homeWithBook is a home of ours whose address book was written by them.
func homeWithBook(dir string, list []*p2p.NetAddress) (string, string) {
	c, err := newComet(dir, fresh(), options{})
	if err != nil {
		return "", err.Error()
	}
	defer c.stop()
	book := pex.NewAddrBook(filepath.Join(c.home, "config", "addrbook.json"), false)
	if why := filled(book, list); why != "" {
		return "", why
	}
	book.Save()
	return c.home, ""
}

// A book of 400 answers with 23 %: 92.
const bookSize, answerSize = 400, 92

// How our log tells an answer, at the level debug.
const answerLine = `msg="addresses received"`

func theyAsk(dir string, weDial bool) string {
	home, why := homeWithBook(dir, addresses(bookSize))
	if why != "" {
		return why
	}
	c, err := newComet(dir, fresh(), options{rude: true})
	if err != nil {
		return err.Error()
	}
	defer c.stop()
	n, why := meetAt(home, c, weDial, false, "--p2p.max_num_outbound_peers=0")
	if why != "" {
		return why
	}
	defer n.kill()
	if !c.utter(n, &tmp2p.PexRequest{}) {
		return fail(n, "could not ask")
	}
	if !eventually(10*time.Second, func() bool { return c.rude.numLists() == 1 }) {
		return fail(n, "no answer")
	}
	return answerIs(n, c.rude.list(0))
}

// answerIs looks whether the answer has the right length and holds different addresses of the book.
func answerIs(n *ours, list []tmp2p.NetAddress) string {
	known := map[string]bool{}
	for _, a := range addresses(bookSize) {
		known[a.String()] = true
	}
	if len(list) != answerSize {
		return fail(n, "the answer has %d addresses, not %d", len(list), answerSize)
	}
	foreign := 0
	for _, a := range list {
		text := fmt.Sprintf("%s@%s:%d", a.ID, a.IP, a.Port)
		if !known[text] {
			foreign++ // the asker itself may be among them, as a node that dialled us
		}
		delete(known, text)
	}
	if foreign > 1 {
		return fail(n, "%d addresses are not of the book, or there twice", foreign)
	}
	return ""
}

// meetAt starts our node in this home and connects the two. A seed is dialled, too, but may be banned.
func meetAt(home string, c *comet, weDial, asSeed bool, args ...string) (*ours, string) {
	if weDial && asSeed {
		args = append(args, "--p2p.seeds", c.address())
	} else if weDial {
		args = append(args, "--p2p.persistent_peers", c.address())
	}
	n, err := startOursAt(home, any, "interop", args...)
	if err != nil {
		return nil, err.Error()
	}
	if !weDial {
		if err := c.dial(n.address()); err != nil {
			n.kill()
			return nil, fail(n, "dial: %v", err)
		}
	}
	if !bothAdded(c, n) {
		n.kill()
		return nil, fail(n, "they, or we, did not add the other")
	}
	return n, ""
}

func weAsk(dir string, weDial bool) string {
	c, err := newComet(dir, fresh(), options{pex: true})
	if err != nil {
		return err.Error()
	}
	defer c.stop()
	if why := filled(c.book, addresses(bookSize)); why != "" {
		return why
	}
	c.sw.SetAddrBook(c.book)
	// With full outbound slots we dial none of these addresses, and ask all the same (D-19).
	n, why := meetAt(dir, c, weDial, false, "--p2p.max_num_outbound_peers=0", "--log_level", "debug", "--switchyard.ensure_peers_period=3s")
	if why != "" {
		return why
	}
	defer n.kill()
	if !eventually(20*time.Second, func() bool { return n.logged("module=pex", `msg="request sent"`) && n.logged(answerLine) }) {
		return fail(n, "we did not ask, or had no answer")
	}
	if !n.logged(answerLine, fmt.Sprintf("addresses=%d ", answerSize)) {
		return fail(n, "the answer has not %d addresses", answerSize)
	}
	if !n.stop() {
		return fail(n, "we did not end with code 0")
	}
	book := pex.NewAddrBook(filepath.Join(n.home, "config", "addrbook.json"), false)
	if err := book.Start(); err != nil {
		return err.Error()
	}
	defer func() { _ = book.Stop() }()
	if book.Size() < answerSize*9/10 {
		return fail(n, "our book holds %d of them", book.Size())
	}
	return ""
}

// ------------------------------------------------------------------ what ends in a disconnect and a ban

func listOf(ip string, port uint32) *tmp2p.PexAddrs {
	return &tmp2p.PexAddrs{Addrs: []tmp2p.NetAddress{{ID: strings.Repeat("ab", 20), IP: ip, Port: port}}}
}

// punished sends these to a new node of ours, which must hang up for this reason and, if banned is set, keep them out.
func punished(dir string, weDial bool, reason string, banned bool, args []string, messages ...proto.Message) string {
	c, err := newComet(dir, fresh(), options{rude: true})
	if err != nil {
		return err.Error()
	}
	defer c.stop()
	// Upstream bans only who is in its book: a persistent peer that was dialled is, a seed is not. Ours never bans a persistent peer.
	home := filepath.Join(dir, "at-"+string(c.key.ID()))
	n, why := meetAt(home, c, weDial, len(args) == 0, append([]string{"--switchyard.ensure_peers_period=1h"}, args...)...)
	if why != "" {
		return why
	}
	defer n.kill()
	for _, m := range messages {
		_ = c.utter(n, m) // the first ones may have ended it
	}
	if !eventually(10*time.Second, func() bool { return n.said("removed " + c.id() + " " + reason) }) {
		return fail(n, "we did not remove them for %s", reason)
	}
	if !c.probe.wait(10*time.Second, func() bool { return len(c.probe.removed) == 1 }) {
		return fail(n, "they did not notice")
	}
	if banned && !eventually(5*time.Second, func() bool { return n.logged("msg=banned ", "peer="+c.id()+"@") }) {
		return fail(n, "we did not ban them")
	}
	if banned && len(args) == 0 { // D-13: in our own profile a ban keeps them out
		_ = c.dial(n.address())
		if !eventually(5*time.Second, func() bool { return n.said("reason=banned ") }) {
			return fail(n, "a banned node that dials is not refused")
		}
	}
	return ""
}

// In the role of the dialler we have asked for a list: the first one is the answer.
func unsolicitedFromThem(dir string, weDial bool) string {
	list := listOf("127.0.0.1", 1)
	return punished(dir, weDial, "peer_pex_unsolicited", true, nil, list, list)
}

func malformedFromThem(dir string, weDial bool) string {
	for _, m := range []*tmp2p.PexAddrs{listOf("not an ip", 1), listOf("", 1), listOf("127.0.0.1", 65536), listOf("host.example", 1)} {
		if why := punished(dir, weDial, "peer_pex_bad_addr", true, nil, m); why != "" {
			return fmt.Sprintf("%v: %s", m, why)
		}
	}
	for _, m := range []proto.Message{&raw{[]byte{0x1a, 0x01, 0x00}}, &raw{[]byte{0xff, 0xff, 0xff}}} {
		if why := punished(dir, weDial, "peer_bad_message", false, nil, m); why != "" {
			return fmt.Sprintf("%v: %s", m, why)
		}
	}
	return ""
}

func repeated(count int) []proto.Message {
	list := make([]proto.Message, count)
	for i := range list {
		list[i] = &tmp2p.PexRequest{}
	}
	return list
}

func floodFromThem(profile string) func(dir string, weDial bool) string {
	return func(dir string, weDial bool) string {
		if profile == "default" {
			return punished(dir, weDial, "peer_pex_flood", true, nil, repeated(20)...)
		}
		return punished(dir, weDial, "peer_pex_flood", true, []string{"--profile", profile}, repeated(3)...)
	}
}

func earlyFromThem(dir string, weDial bool) string {
	c, err := newComet(dir, fresh(), options{rude: true})
	if err != nil {
		return err.Error()
	}
	defer c.stop()
	home, why := homeWithBook(dir, addresses(bookSize))
	if why != "" {
		return why
	}
	n, why := meetAt(home, c, weDial, false, "--p2p.max_num_outbound_peers=0", "--switchyard.ensure_peers_period=6s")
	if why != "" {
		return why
	}
	defer n.kill()
	began := time.Now()
	for _, m := range repeated(3) {
		_ = c.utter(n, m)
	}
	if !eventually(10*time.Second, func() bool { return c.rude.numLists() == 3 }) {
		return fail(n, "%d answers, not 3", c.rude.numLists())
	}
	if took := time.Since(began); took < 1800*time.Millisecond {
		return fail(n, "the third answer came after %v, not after a third of the period", took)
	}
	if !c.has(n.id()) || n.said("removed "+c.id()) {
		return fail(n, "we removed them")
	}
	return ""
}

// rudeFromUs lets rude.lua say what the moniker tells; they must remove us with these words, and ban us where they ban.
func rudeFromUs(moniker, words string) func(dir string, weDial bool) string {
	return func(dir string, weDial bool) string {
		c, err := newComet(dir, fresh(), options{pex: true, moniker: moniker})
		if err != nil {
			return err.Error()
		}
		defer c.stop()
		n, why := meetRudely(dir, c, weDial)
		if why != "" {
			return why
		}
		defer n.kill()
		if !c.probe.wait(10*time.Second, func() bool { return len(c.probe.removed) == 1 }) {
			return fail(n, "they keep us")
		}
		if why := c.probe.whyRemoved(n.id()); !strings.Contains(why, words) {
			return fail(n, "they removed us for another reason: %s", why)
		}
		addr, err := p2p.NewNetAddressString(n.address())
		if err != nil {
			return err.Error()
		}
		bans := moniker != "garbage" && moniker != "neither request nor list"
		if banned := func() bool { return c.book.IsBanned(addr) == bans }; !eventually(5*time.Second, banned) {
			return fail(n, "banned in their book: %v", c.book.IsBanned(addr))
		}
		return ""
	}
}

func meetRudely(dir string, c *comet, weDial bool) (*ours, string) {
	args := []string{"--p2p.pex=false", "--reactor", script("rude.lua")}
	if weDial {
		args = append(args, "--p2p.persistent_peers", c.address())
	}
	n, err := startOurs(dir, any, "interop", args...)
	if err != nil {
		return nil, err.Error()
	}
	if weDial {
		return n, ""
	}
	addr, err := p2p.NewNetAddressString(n.address())
	if err == nil {
		err = c.book.AddAddress(addr, addr) // only who is in their book can be banned
	}
	if err == nil {
		err = c.dial(n.address())
	}
	var tooFast p2p.ErrPeerRemoval // they had a reason to remove us before they had added us
	if err != nil && !errors.As(err, &tooFast) {
		n.kill()
		return nil, fail(n, "dial: %v", err)
	}
	return n, ""
}
