package main

// Pings and pongs, and what happens without them.

import (
	"slices"
	"strings"
	"time"

	"github.com/cometbft/cometbft/p2p"
)

var pingCases = slices.Concat(
	bothRoles("their pings are answered", theirPings),
	bothRoles("our pings are answered", ourPings),
	bothRoles("no pong from us ends it at theirs", noPongFromUs),
	bothRoles("no pong from them ends it at ours", noPongFromThem),
)

const packetOfPing = 3 // bytes of a ping, or a pong, with its delimiter

// traffic is how many bytes of packets they have received from us and sent to us.
func (c *comet) traffic(id string) (received, sent int64) {
	peer := c.sw.Peers().Get(p2p.ID(id))
	if peer == nil {
		return 0, 0
	}
	status := peer.Status()
	return status.RecvMonitor.Bytes, status.SendMonitor.Bytes
}

// answered waits until so many pings and pongs crossed, and nothing else with them.
func answered(c *comet, n *ours, received0, sent0 int64, rounds int64) string {
	crossed := func() bool {
		received, sent := c.traffic(n.id())
		return received-received0 >= rounds*packetOfPing && sent-sent0 >= rounds*packetOfPing
	}
	if !eventually(20*time.Second, crossed) {
		received, sent := c.traffic(n.id())
		return fail(n, "in 20 s they received %d bytes and sent %d", received-received0, sent-sent0)
	}
	received, sent := c.traffic(n.id())
	if (received-received0)%packetOfPing != 0 || (sent-sent0)%packetOfPing != 0 {
		return fail(n, "more than pings and pongs: they received %d bytes and sent %d", received-received0, sent-sent0)
	}
	if !c.has(n.id()) || n.said("removed "+c.id()) {
		return fail(n, "the connection ended: %s", c.probe.whyRemoved(n.id()))
	}
	return ""
}

func theirPings(dir string, weDial bool) string {
	c, n, why := pair(dir, weDial, options{ping: 300 * time.Millisecond, pong: 250 * time.Millisecond}, "--p2p.pex=false")
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	return answered(c, n, 0, 0, 5)
}

func ourPings(dir string, weDial bool) string {
	c, n, why := pair(dir, weDial, options{}, "--p2p.pex=false", "--switchyard.ping_interval=300ms", "--switchyard.pong_timeout=250ms")
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	return answered(c, n, 0, 0, 5)
}

// pairByRelay is a pair whose bytes pass a relay.
func pairByRelay(dir string, weDial bool, o options, args ...string) (*comet, *ours, *relay, string) {
	c, err := newComet(dir, fresh(), o)
	if err != nil {
		return nil, nil, nil, err.Error()
	}
	target := c.address()
	var r *relay
	if weDial {
		if r, err = newRelay(target); err != nil {
			return nil, nil, nil, err.Error()
		}
		args = append(args, "--p2p.persistent_peers", r.address())
	}
	n, err := startOurs(dir, any, "interop", args...)
	if err != nil {
		return nil, nil, nil, err.Error()
	}
	if !weDial {
		if r, err = newRelay(n.address()); err != nil {
			return nil, nil, nil, err.Error()
		}
		err = c.dial(r.address())
	}
	if err == nil && bothAdded(c, n) {
		return c, n, r, ""
	}
	c.stop()
	n.kill()
	r.close()
	return nil, nil, nil, fail(n, "not connected by the relay: %s", errorText(err))
}

// cut stops what goes from us to them, or from them to us.
func (r *relay) cut(fromUs, weDial bool) {
	if fromUs == weDial {
		r.there.Store(true)
	} else {
		r.back.Store(true)
	}
}

func noPongFromUs(dir string, weDial bool) string {
	c, n, r, why := pairByRelay(dir, weDial, options{ping: 700 * time.Millisecond, pong: 500 * time.Millisecond})
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	defer r.close()
	r.cut(true, weDial)
	if !c.probe.wait(10*time.Second, func() bool { return len(c.probe.removed) == 1 }) {
		return fail(n, "they keep us without a pong")
	}
	if why := c.probe.whyRemoved(n.id()); !strings.Contains(why, "pong timeout") {
		return fail(n, "they removed us for another reason: %s", why)
	}
	if !eventually(5*time.Second, func() bool { return n.said("removed " + c.id() + " peer_") }) {
		return fail(n, "we did not notice")
	}
	return ""
}

func noPongFromThem(dir string, weDial bool) string {
	c, n, r, why := pairByRelay(dir, weDial, options{}, "--switchyard.ping_interval=700ms", "--switchyard.pong_timeout=500ms")
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	defer r.close()
	r.cut(false, weDial)
	if !eventually(10*time.Second, func() bool { return n.said("removed " + c.id() + " peer_pong_timeout") }) {
		return fail(n, "we keep them without a pong")
	}
	if !c.probe.wait(10*time.Second, func() bool { return len(c.probe.removed) == 1 }) {
		return fail(n, "they did not notice")
	}
	return ""
}
