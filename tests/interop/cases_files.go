package main

// Files: node keys and address books of either side in the hands of the other.

import (
	"os"
	"path/filepath"
	"time"
)

var fileCases = []interopCase{
	{"files: they load our node key and address book", filesTheyLoad},
	{"files: we load their node key and address book", filesWeLoad},
}

func filesTheyLoad(dir string) string {
	third, err := newComet(dir, fresh(), options{pex: true})
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
	second, err := newComet(dir, fresh(), options{pex: true})
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
	c, err := newComet(dir, fresh(), options{home: n.home, pex: true})
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
	third, err := newComet(dir, fresh(), options{pex: true})
	if err != nil {
		return err.Error()
	}
	defer third.stop()
	c, err := newComet(dir, fresh(), options{pex: true})
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
