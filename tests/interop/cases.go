package main

// What the cases share: a pair of nodes in either role, and how a failure is told.

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

const any = "tcp://127.0.0.1:0"

// bothRoles is one case for each side that dials.
func bothRoles(name string, run func(dir string, weDial bool) string) []interopCase {
	return []interopCase{
		{name + ", we dial", func(dir string) string { return run(dir, true) }},
		{name + ", they dial", func(dir string) string { return run(dir, false) }},
	}
}

func fail(o *ours, format string, args ...interface{}) string {
	text := fmt.Sprintf(format, args...)
	if o != nil {
		lines := o.lines()
		if len(lines) > 12 {
			lines = lines[len(lines)-12:]
		}
		text += "\n" + strings.Join(lines, "\n")
	}
	return text
}

// pair starts both sides; we dial when weDial is set.
func pair(dir string, weDial bool, o options, args ...string) (*comet, *ours, string) {
	c, err := newComet(dir, fresh(), o)
	if err != nil {
		return nil, nil, err.Error()
	}
	network := o.network
	if network == "" {
		network = "interop"
	}
	if weDial {
		args = append(args, "--p2p.persistent_peers", c.address())
	}
	n, err := startOurs(dir, any, network, args...)
	if err != nil {
		c.stop()
		return nil, nil, err.Error()
	}
	if !weDial {
		if err := c.dial(n.address()); err != nil {
			defer c.stop()
			defer n.kill()
			return nil, nil, fail(n, "dial: %v", err)
		}
	}
	if !bothAdded(c, n) {
		defer c.stop()
		defer n.kill()
		return nil, nil, fail(n, "they, or we, did not add the other")
	}
	return c, n, ""
}

func bothAdded(c *comet, n *ours) bool {
	return c.probe.wait(10*time.Second, func() bool { return len(c.probe.added) == 1 }) &&
		eventually(10*time.Second, func() bool { return n.said(": added " + c.id()) })
}

var numIPs atomic.Uint32

// fresh is a listen address with an IP of its own: its port, taken and given back, cannot be taken by anybody meanwhile,
// as whoever dials on loopback comes from 127.0.0.1.
func fresh() string {
	second := map[string]int{"v0.40.0": 140, "v0.38.26": 138}[cometVersion]
	n := numIPs.Add(1)
	return fmt.Sprintf("127.%d.%d.%d:0", second, os.Getpid()%250, n%250+1)
}
