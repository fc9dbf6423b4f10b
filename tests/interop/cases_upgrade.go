package main

// Handshakes and node infos.

import (
	"time"

	"github.com/cometbft/cometbft/p2p"
)

var upgradeCases = bothRoles("handshake and node info", handshake)

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
