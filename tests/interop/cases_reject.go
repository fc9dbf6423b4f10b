package main

// Who is refused, by whom, and what each side says of it.

import (
	"strings"
	"time"
)

var rejectCases = []interopCase{
	{"another network is refused, they dial", otherNetworkTheyDial},
	{"another network is refused, we dial", otherNetworkWeDial},
	{"another block version is refused, they dial", otherBlock},
	{"no common channel is refused, they dial", noChannel},
	{"a wrong id is refused, they dial", wrongID},
	{"a second connection of one id is refused, they dial", duplicateID},
}

// refused: they dial; neither side may have a peer afterwards.
func refused(dir string, o options, network string, reason string, args ...string) string {
	c, err := newComet(dir, "127.0.0.1:0", o)
	if err != nil {
		return err.Error()
	}
	defer c.stop()
	n, err := startOurs(dir, any, network, args...)
	if err != nil {
		return err.Error()
	}
	defer n.kill()
	_ = c.dial(n.address())
	if !eventually(5*time.Second, func() bool { return !c.has(n.id()) }) {
		return fail(n, "they kept us")
	}
	if n.said("added " + c.id()) {
		return fail(n, "we added them")
	}
	if reason != "" && !eventually(3*time.Second, func() bool { return n.said(reason) }) {
		return fail(n, "our log does not give the reason %q", reason)
	}
	return ""
}

func otherNetworkTheyDial(dir string) string {
	return refused(dir, options{network: "elsewhere"}, "interop", "peer_network")
}

func otherNetworkWeDial(dir string) string {
	c, err := newComet(dir, "127.0.0.1:0", options{network: "elsewhere"})
	if err != nil {
		return err.Error()
	}
	defer c.stop()
	n, err := startOurs(dir, any, "interop", "--p2p.persistent_peers", c.address())
	if err != nil {
		return err.Error()
	}
	defer n.kill()
	if !eventually(8*time.Second, func() bool { return n.said("peer_network") }) {
		return fail(n, "our log does not say that the network is another one")
	}
	if c.sw.Peers().Size() != 0 || n.said("added") {
		return fail(n, "somebody was added")
	}
	return ""
}

func otherBlock(dir string) string {
	return refused(dir, options{block: 99}, "interop", "peer_block_version")
}

func noChannel(dir string) string {
	return refused(dir, options{channels: []byte{0x51}}, "interop", "peer_no_common_channel")
}

func wrongID(dir string) string {
	c, err := newComet(dir, "127.0.0.1:0", options{})
	if err != nil {
		return err.Error()
	}
	defer c.stop()
	n, err := startOurs(dir, any, "interop")
	if err != nil {
		return err.Error()
	}
	defer n.kill()
	err = c.dial(strings.Repeat("ab", 20) + "@" + strings.SplitN(n.address(), "@", 2)[1])
	if err == nil {
		return fail(n, "the dial succeeded")
	}
	return ""
}

func duplicateID(dir string) string {
	c, n, why := pair(dir, false, options{dupIP: true}, "--p2p.allow_duplicate_ip=true")
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	twin, err := newComet(dir, "127.0.0.1:0", options{home: c.home, dupIP: true})
	if err != nil {
		return err.Error()
	}
	defer twin.stop()
	_ = twin.dial(n.address())
	if !eventually(5*time.Second, func() bool { return n.said("duplicate_id") }) {
		return fail(n, "our log does not say duplicate_id")
	}
	if !c.has(n.id()) {
		return fail(n, "the first connection was lost")
	}
	return ""
}
