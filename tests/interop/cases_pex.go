package main

// Addresses: asked for, answered, and sent when nobody asked.

import (
	"time"
)

var pexCases = []interopCase{
	{"addresses by PEX from them, we dial", pexFromThem},
	{"addresses by PEX from us, they dial", pexFromUs},
}

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
