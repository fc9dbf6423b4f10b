package main

// Who is refused, by whom, and what each side says of it.

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cometbft/cometbft/p2p"
)

var rejectCases = slices.Concat(
	bothRoles("another network is refused", refusing(mismatch{theirs: options{network: "elsewhere"},
		ourReason: "peer_network", theirReason: "different network", isTheirs: p2p.ErrRejected.IsIncompatible})),
	bothRoles("another block version is refused", refusing(mismatch{theirs: options{block: 99},
		ourReason: "peer_block_version", theirReason: "different Block version", isTheirs: p2p.ErrRejected.IsIncompatible})),
	bothRoles("no common channel is refused", refusing(mismatch{theirs: options{channels: []byte{0x51}},
		ourReason: "peer_no_common_channel", theirReason: "no common channels", isTheirs: p2p.ErrRejected.IsIncompatible})),
	bothRoles("a wrong id is refused by who dialled it", wrongID),
	bothRoles("a node with our own key is ourselves", ownKey),
	[]interopCase{
		{"a second connection of one id is refused by us, they dial", duplicateIDAtOurs},
		{"a second connection of one id is refused by them, we dial", duplicateIDAtTheirs},
		{"a second connection from one IP is refused by us, they dial", duplicateIPAtOurs},
		{"a second connection from one IP is refused by them, we dial", duplicateIPAtTheirs},
		{"a second peer on one IP is not dialled by us, we dial", duplicateIPOutbound},
	})

// mismatch is a difference that both sides find in the other's node info.
type mismatch struct {
	theirs      options
	ourReason   string
	theirReason string
	isTheirs    func(p2p.ErrRejected) bool
}

func refusing(m mismatch) func(dir string, weDial bool) string {
	return func(dir string, weDial bool) string {
		c, err := newComet(dir, fresh(), m.theirs)
		if err != nil {
			return err.Error()
		}
		defer c.stop()
		n, why := meet(dir, c, weDial, "", m.isTheirs)
		if why != "" {
			return why
		}
		defer n.kill()
		if weDial && !eventually(5*time.Second, func() bool { return c.said(m.theirReason) }) {
			return fail(n, "their log does not say %q", m.theirReason)
		}
		return strangers(c, n, m.ourReason)
	}
}

// meet starts our node and lets one side dial the other; the dialled id is the true one unless another is given. A dial of
// theirs must be refused in the manner asked for.
func meet(dir string, c *comet, weDial bool, id string, isTheirs func(p2p.ErrRejected) bool) (*ours, string) {
	var args []string
	if weDial {
		args = []string{"--p2p.persistent_peers", renamed(c.address(), id)}
	}
	n, err := startOurs(dir, any, "interop", args...)
	if err != nil {
		return nil, err.Error()
	}
	if weDial {
		return n, ""
	}
	if why := theyAreRefused(c, renamed(n.address(), id), isTheirs); why != "" {
		n.kill()
		return nil, fail(n, "%s", why)
	}
	return n, ""
}

// renamed is the address with another id, if one is given.
func renamed(address, id string) string {
	if id == "" {
		return address
	}
	return id + "@" + strings.SplitN(address, "@", 2)[1]
}

func theyAreRefused(c *comet, address string, isTheirs func(p2p.ErrRejected) bool) string {
	err := c.dial(address)
	var rejected p2p.ErrRejected
	if !errors.As(err, &rejected) || !isTheirs(rejected) {
		return "their dial did not end as it should but with: " + errorText(err)
	}
	return ""
}

func errorText(err error) string {
	if err == nil {
		return "success"
	}
	return err.Error()
}

// strangers: neither side may have a peer, and our log must give this reason (a regular expression).
func strangers(c *comet, n *ours, reason string) string {
	given := regexp.MustCompile("reason=" + reason + " ")
	if !eventually(10*time.Second, func() bool { return slices.ContainsFunc(n.lines(), given.MatchString) }) {
		return fail(n, "our log does not give the reason %q", reason)
	}
	if c.sw.Peers().Size() != 0 || c.probe.everAdded() {
		return fail(n, "they added us")
	}
	if n.said(": added ") {
		return fail(n, "we added them")
	}
	return ""
}

func wrongID(dir string, weDial bool) string {
	c, err := newComet(dir, fresh(), options{})
	if err != nil {
		return err.Error()
	}
	defer c.stop()
	n, why := meet(dir, c, weDial, strings.Repeat("ab", 20), p2p.ErrRejected.IsAuthFailure)
	if why != "" {
		return why
	}
	defer n.kill()
	if weDial {
		if !eventually(5*time.Second, func() bool { return c.said("auth failure: handshake failed") }) {
			return fail(n, "they do not say that the handshake failed")
		}
		return strangers(c, n, "peer_wrong_id")
	}
	return strangers(c, n, "peer_(closed|reset)") // a close before our bytes were read is a reset
}

func ownKey(dir string, weDial bool) string {
	c, err := newComet(dir, fresh(), options{})
	if err != nil {
		return err.Error()
	}
	defer c.stop()
	home, err := homeWithKeyOf(dir, c.home)
	if err != nil {
		return err.Error()
	}
	n, err := startOursAt(home, any, "interop", "--p2p.seeds", c.address())
	if err != nil {
		return err.Error()
	}
	defer n.kill()
	if weDial && !eventually(5*time.Second, func() bool { return c.said("self ID<") }) {
		return fail(n, "their log does not say that it is themselves")
	}
	if !weDial {
		if why := theyAreRefused(c, n.address(), p2p.ErrRejected.IsSelf); why != "" {
			return fail(n, "%s", why)
		}
	}
	return strangers(c, n, "peer_self")
}

// homeWithKeyOf makes a home that has the node key of another one.
func homeWithKeyOf(dir, other string) (string, error) {
	home, err := os.MkdirTemp(dir, "twin")
	if err != nil {
		return "", err
	}
	key, err := os.ReadFile(filepath.Join(other, "config", "node_key.json"))
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(filepath.Join(home, "config"), 0o700); err != nil {
		return "", err
	}
	return home, os.WriteFile(filepath.Join(home, "config", "node_key.json"), key, 0o600)
}

func duplicateIDAtOurs(dir string) string {
	c, n, why := pair(dir, false, options{dupIP: true}, "--p2p.allow_duplicate_ip=true")
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	home, err := homeWithKeyOf(dir, c.home)
	if err != nil {
		return err.Error()
	}
	twin, err := newComet(dir, fresh(), options{home: home, dupIP: true})
	if err != nil {
		return err.Error()
	}
	defer twin.stop()
	_ = twin.dial(n.address()) // what they hear is an end of the connection, before or after they have added us
	if !eventually(5*time.Second, func() bool { return n.said("reason=duplicate_id ") }) {
		return fail(n, "our log does not say duplicate_id")
	}
	if !eventually(5*time.Second, func() bool { return twin.sw.Peers().Size() == 0 }) {
		return fail(n, "the second one keeps us")
	}
	if !c.has(n.id()) {
		return fail(n, "the first connection was lost")
	}
	return ""
}

func duplicateIDAtTheirs(dir string) string {
	c, n, why := pair(dir, true, options{dupIP: true})
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	home, err := homeWithKeyOf(dir, n.home)
	if err != nil {
		return err.Error()
	}
	twin, err := startOursAt(home, any, "interop", "--p2p.persistent_peers", c.address())
	if err != nil {
		return err.Error()
	}
	defer twin.kill()
	if !eventually(10*time.Second, func() bool { return c.said("duplicate ID<" + n.id() + ">") }) {
		return fail(twin, "their log does not say that the id is there already")
	}
	if !eventually(5*time.Second, func() bool { return twin.said("reason=peer_closed ") || twin.said("reason=peer_reset ") }) {
		return fail(twin, "the second one does not say that it was hung up on")
	}
	if !c.has(n.id()) || n.said("removed "+c.id()) {
		return fail(n, "the first connection was lost")
	}
	return ""
}

func duplicateIPAtOurs(dir string) string {
	c, n, why := pair(dir, false, options{})
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	second, err := newComet(dir, fresh(), options{}) // whoever dials on loopback comes from 127.0.0.1
	if err != nil {
		return err.Error()
	}
	defer second.stop()
	if why := theyAreRefused(second, n.address(), p2p.ErrRejected.IsAuthFailure); why != "" {
		return fail(n, "%s", why)
	}
	if !eventually(5*time.Second, func() bool { return n.said("reason=duplicate_ip ") }) || n.said("added "+second.id()) {
		return fail(n, "our log does not say duplicate_ip")
	}
	if !c.has(n.id()) {
		return fail(n, "the first connection was lost")
	}
	return ""
}

func duplicateIPAtTheirs(dir string) string {
	c, n, why := pair(dir, true, options{oneIP: true})
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	second, err := startOurs(dir, any, "interop", "--p2p.persistent_peers", c.address())
	if err != nil {
		return err.Error()
	}
	defer second.kill()
	if !eventually(10*time.Second, func() bool { return c.said("filtered CONN<") }) {
		return fail(second, "their log does not say that the second connection was filtered")
	}
	if !eventually(5*time.Second, func() bool { return second.said("reason=peer_closed ") || second.said("reason=peer_reset ") }) {
		return fail(second, "the second one does not say that it was hung up on")
	}
	if !c.has(n.id()) || c.has(second.id()) {
		return fail(n, "they have the wrong peer")
	}
	return ""
}

// Two peers behind one IP: the one dialled second is not taken, and the dials go on, as it is a persistent peer.
func duplicateIPOutbound(dir string) string {
	first, err := newComet(dir, fresh(), options{})
	if err != nil {
		return err.Error()
	}
	defer first.stop()
	second, err := newComet(dir, first.addr.IP.String()+":0", options{})
	if err != nil {
		return err.Error()
	}
	defer second.stop()
	n, err := startOurs(dir, any, "interop", "--log_level", "debug", "--p2p.persistent_peers", first.address()+","+second.address())
	if err != nil {
		return err.Error()
	}
	defer n.kill()
	if !eventually(15*time.Second, func() bool { return n.said("reason=duplicate_ip ") || n.said("reason=dialling_or_connected ") }) {
		return fail(n, "our log does not say that there is a peer on this IP")
	}
	one := func() bool { return first.has(n.id()) != second.has(n.id()) }
	if !eventually(5*time.Second, one) {
		return fail(n, "we have not exactly one of the two")
	}
	return ""
}
