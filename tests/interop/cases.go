package main

// What the cases share: a pair of nodes in either role, and how a failure is told.

import (
	"fmt"
	"strings"
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
	c, err := newComet(dir, "127.0.0.1:0", o)
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
	if !c.probe.wait(10*time.Second, func() bool { return len(c.probe.added) == 1 }) {
		defer c.stop()
		defer n.kill()
		return nil, nil, fail(n, "they did not add us")
	}
	return c, n, ""
}
