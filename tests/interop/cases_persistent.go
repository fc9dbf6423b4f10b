package main

// Persistent peers: who comes back after the other one died.

import (
	"slices"
	"time"
)

var persistentCases = slices.Concat(
	bothRoles("we come back to our persistent peer when it has died", weComeBack),
	bothRoles("they come back to us when we were killed", theyComeBack),
)

// weComeBack: they are our persistent peer, whoever dialled; they die and live again at the same address.
func weComeBack(dir string, weDial bool) string {
	c, err := newComet(dir, fresh(), options{})
	if err != nil {
		return err.Error()
	}
	args := []string{"--p2p.persistent_peers", c.address()}
	if !weDial { // they are there first: our own dial then finds them connected
		args = append(args, "--p2p.max_num_outbound_peers=0")
	}
	n, err := startOurs(dir, any, "interop", args...)
	if err != nil {
		c.stop()
		return err.Error()
	}
	defer n.kill()
	if !weDial {
		_ = c.dial(n.address()) // ours may have been faster: then this one fails
	}
	if !c.probe.wait(10*time.Second, func() bool { return len(c.probe.added) == 1 }) {
		c.stop()
		return fail(n, "they did not add us")
	}
	home, listen := c.home, c.addr.DialString()
	c.stop()
	if !eventually(5*time.Second, func() bool { return n.said("removed " + c.id()) }) {
		return fail(n, "we did not notice that they have gone")
	}
	again, err := newComet(dir, listen, options{home: home})
	if err != nil {
		return err.Error()
	}
	defer again.stop()
	if !eventually(30*time.Second, func() bool { return again.has(n.id()) }) {
		return fail(n, "we did not come back")
	}
	return ""
}

// theyComeBack: we are their persistent peer, whoever dialled; we are killed and live again at the same address.
func theyComeBack(dir string, weDial bool) string {
	n, err := startOurs(dir, "tcp://"+fresh(), "interop")
	if err != nil {
		return err.Error()
	}
	defer func() { n.kill() }()
	c, err := newComet(dir, fresh(), options{})
	if err != nil {
		return err.Error()
	}
	defer c.stop()
	if err := c.sw.AddPersistentPeers([]string{n.address()}); err != nil {
		return err.Error()
	}
	args := []string{}
	if weDial { // the same node once more, now it dials
		n.kill()
		args = append(args, "--p2p.persistent_peers", c.address())
		if n, err = startOursAt(n.home, "tcp://"+n.dialString(), "interop", args...); err != nil {
			return err.Error()
		}
	} else if err := c.dial(n.address()); err != nil {
		return fail(n, "dial: %v", err)
	}
	if !c.probe.wait(10*time.Second, func() bool { return len(c.probe.added) == 1 }) {
		return fail(n, "they did not add us")
	}
	n.kill()
	if !c.probe.wait(10*time.Second, func() bool { return len(c.probe.removed) == 1 }) {
		return fail(n, "they did not notice that we have gone")
	}
	if n, err = startOursAt(n.home, "tcp://"+n.dialString(), "interop", "--p2p.pex=false"); err != nil { // it dials nobody now
		return err.Error()
	}
	if !c.probe.wait(30*time.Second, func() bool { return len(c.probe.added) == 1 }) {
		return fail(n, "they did not come back")
	}
	if !eventually(5*time.Second, func() bool { return n.said("added " + c.id() + " inbound") }) {
		return fail(n, "we did not add them as inbound")
	}
	return ""
}
