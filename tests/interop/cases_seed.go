package main

// Seed mode: who dials a seed gets one answer and is hung up on; whom a seed dials is asked.

import (
	"slices"
	"time"

	"github.com/cometbft/cometbft/p2p"
	tmp2p "github.com/cometbft/cometbft/proto/tendermint/p2p"
)

var seedCases = slices.Concat([]interopCase{
	{"their seed answers and hangs up, and we dial what it told, we dial", seedThem},
	{"our seed answers and hangs up, and they dial what it told, they dial", seedUs},
	{"our seed answers one request, flushes and hangs up, they dial", ourSeedAnswers("default")},
	{"our seed answers one request, flushes and hangs up, upstream, they dial", ourSeedAnswers("upstream")},
	{"our seed asks whom it crawls, and hangs up when it was answered, we dial", ourSeedCrawls},
	{"our seed asks whom it crawls, upstream: stays, we dial", ourUpstreamSeedCrawls},
	{"their seed asks us when it crawls, and stays, they dial", theirSeedCrawls},
})

func seedThem(dir string) string {
	c, err := newComet(dir, fresh(), options{pex: true, seedMode: true})
	if err != nil {
		return err.Error()
	}
	defer c.stop()
	third, err := newComet(dir, fresh(), options{pex: true})
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
	first, err := newComet(dir, fresh(), options{pex: true, seeds: []string{n.address()}})
	if err != nil {
		return err.Error()
	}
	defer first.stop()
	if !eventually(15*time.Second, func() bool { return n.said("added "+first.id()) && n.said("removed "+first.id()) }) {
		return fail(n, "our seed did not answer and hang up")
	}
	second, err := newComet(dir, fresh(), options{pex: true, seeds: []string{n.address()}})
	if err != nil {
		return err.Error()
	}
	defer second.stop()
	if !eventually(60*time.Second, func() bool { return second.has(first.id()) }) {
		return fail(n, "the second one did not find the first through our seed")
	}
	return ""
}

// ourSeedAnswers: with a book of 400, one list of 92; a second request that follows at once brings no other one.
func ourSeedAnswers(profile string) func(dir string) string {
	return func(dir string) string {
		home, why := homeWithBook(dir, addresses(bookSize))
		if why != "" {
			return why
		}
		c, err := newComet(dir, fresh(), options{rude: true})
		if err != nil {
			return err.Error()
		}
		defer c.stop()
		n, why := meetAt(home, c, false, false, "--p2p.seed_mode=true", "--profile", profile)
		if why != "" {
			return why
		}
		defer n.kill()
		_ = c.utter(n, &tmp2p.PexRequest{})
		_ = c.utter(n, &tmp2p.PexRequest{})
		if !eventually(10*time.Second, func() bool { return n.said("removed " + c.id() + " seed_done") }) {
			return fail(n, "our seed did not hang up because it is done")
		}
		if !c.probe.wait(10*time.Second, func() bool { return len(c.probe.removed) == 1 }) {
			return fail(n, "they did not notice")
		}
		if c.rude.numLists() != 1 {
			return fail(n, "%d answers", c.rude.numLists())
		}
		return answerIs(n, c.rude.list(0))
	}
}

// crawled is a node of theirs that our seed finds in its address book; it answers with a third node.
func crawled(dir, profile string) (*comet, *ours, string) {
	c, err := newComet(dir, fresh(), options{rude: true})
	if err != nil {
		return nil, nil, err.Error()
	}
	home, why := homeWithBook(dir, []*p2p.NetAddress{c.addr})
	if why != "" {
		c.stop()
		return nil, nil, why
	}
	n, err := startOursAt(home, any, "interop", "--p2p.seed_mode=true", "--profile", profile, "--log_level", "debug")
	if err != nil {
		c.stop()
		return nil, nil, err.Error()
	}
	if !eventually(20*time.Second, func() bool { return c.rude.numRequests() == 1 }) {
		c.stop()
		n.kill()
		return nil, nil, fail(n, "our seed did not ask whom it should have crawled")
	}
	_ = c.utter(n, listOf("127.0.0.1", 1))
	return c, n, ""
}

func ourSeedCrawls(dir string) string {
	c, n, why := crawled(dir, "default")
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	if !eventually(10*time.Second, func() bool { return n.said("removed " + c.id() + " seed_done") }) {
		return fail(n, "our seed keeps whom it has crawled")
	}
	if !n.logged(answerLine, "addresses=1 ") {
		return fail(n, "our seed did not take the answer")
	}
	return ""
}

func ourUpstreamSeedCrawls(dir string) string {
	c, n, why := crawled(dir, "upstream")
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	if !eventually(10*time.Second, func() bool { return n.logged(answerLine, "addresses=1 ") }) {
		return fail(n, "our seed did not take the answer")
	}
	if why := echo(c, n, 0x70, []byte("still there")); why != "" {
		return why
	}
	return ""
}

func theirSeedCrawls(dir string) string {
	n, err := startOurs(dir, any, "interop", "--p2p.allow_duplicate_ip=true")
	if err != nil {
		return err.Error()
	}
	defer n.kill()
	third, err := newComet(dir, fresh(), options{pex: true})
	if err != nil {
		return err.Error()
	}
	defer third.stop()
	if err := third.dial(n.address()); err != nil {
		return fail(n, "dial: %v", err)
	}
	if !eventually(5*time.Second, func() bool { return n.said(": added " + third.id()) }) {
		return fail(n, "the third node was not added")
	}
	addr, err := p2p.NewNetAddressString(n.address())
	if err != nil {
		return err.Error()
	}
	c, err := newComet(dir, fresh(), options{pex: true, seedMode: true, knows: []*p2p.NetAddress{addr}})
	if err != nil {
		return err.Error()
	}
	defer c.stop()
	if !eventually(20*time.Second, func() bool { return c.book.HasAddress(third.addr) }) {
		return fail(n, "their seed did not learn the third node from us")
	}
	return echo(c, n, 0x70, []byte("still there"))
}
