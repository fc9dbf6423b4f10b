package main

// Seed mode: answer and hang up.

import (
	"time"
)

var seedCases = []interopCase{
	{"their seed answers and hangs up, we dial", seedThem},
	{"our seed answers and hangs up, they dial", seedUs},
}

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
