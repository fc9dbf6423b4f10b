package main

// Handshakes and node infos.

import (
	"fmt"
	"time"

	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/version"
)

var upgradeCases = append(bothRoles("handshake and node info", handshake),
	interopCase{"both dial at once: one connection stays", dialAtOnce("default")},
	interopCase{"both dial at once: one connection stays, upstream", dialAtOnce("upstream")})

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
	if !n.said("info of " + c.id() + ": comet " + version.TMCoreSemVer) {
		return fail(n, "we do not know moniker and version of them (%s)", version.TMCoreSemVer)
	}
	peer := c.sw.Peers().Get(p2p.ID(n.id()))
	if peer.IsOutbound() == weDial {
		return fail(n, "to them we are outbound: %v", peer.IsOutbound())
	}
	return ourInfo(n, peer)
}

// ourInfo compares what they know of us, field by field.
func ourInfo(n *ours, peer p2p.Peer) string {
	info, ok := peer.NodeInfo().(p2p.DefaultNodeInfo)
	if !ok {
		return fail(n, "node info is %T", peer.NodeInfo())
	}
	wanted := p2p.DefaultNodeInfo{
		ProtocolVersion: p2p.NewProtocolVersion(version.P2PProtocol, version.BlockProtocol, 0),
		DefaultNodeID:   p2p.ID(n.id()),
		ListenAddr:      "tcp://" + n.dialString(),
		Network:         "interop",
		Version:         "0.40.0",
		Channels:        []byte{0x70, 0x71, 0x72, 0x73, 0x40, 0x20, 0x21, 0x22, 0x23, 0x30, 0x38, 0x60, 0x61, 0x00},
		Moniker:         "ours",
		Other:           p2p.DefaultNodeInfoOther{TxIndex: "on", RPCAddress: "tcp://127.0.0.1:26657"},
	}
	if got, want := fmt.Sprintf("%+v", info), fmt.Sprintf("%+v", wanted); got != want {
		return fail(n, "node info: got %s, wanted %s", got, want)
	}
	return ""
}

// dialAtOnce: each is a persistent peer of the other, and both dial when both listen. Whatever became of the first connections,
// they end up with one that stays. Who is first differs from round to round.
func dialAtOnce(profile string) func(dir string) string {
	return func(dir string) string {
		for round := 0; round < 6; round++ {
			if why := dialOnce(dir, profile); why != "" {
				return why
			}
		}
		return ""
	}
}

func dialOnce(dir, profile string) string {
	n, err := startOurs(dir, "tcp://"+fresh(), "interop") // it only shows where it listens, and who it is
	if err != nil {
		return err.Error()
	}
	n.kill()
	c, err := newComet(dir, fresh(), options{})
	if err != nil {
		return err.Error()
	}
	defer c.stop()
	home, address := n.home, n.address()
	if err := c.sw.AddPersistentPeers([]string{address}); err != nil {
		return err.Error()
	}
	if n, err = startOursAt(home, "tcp://"+n.dialString(), "interop", "--profile", profile, "--p2p.persistent_peers", c.address()); err != nil {
		return err.Error()
	}
	defer n.kill()
	_ = c.dial(address) // the other connection may have won already
	for tries := 0; tries < 5; tries++ {
		if !c.probe.wait(30*time.Second, func() bool { return len(c.probe.added) == 1 }) {
			return fail(n, "they have no connection with us")
		}
		if why := echo(c, n, 0x70, pattern(50, tries)); why == "" {
			return ""
		}
	}
	return fail(n, "no connection stays")
}
