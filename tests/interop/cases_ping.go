package main

// Pings and pongs, and what happens without them.

import (
	"time"
)

var pingCases = []interopCase{
	{"their pings are answered, they dial", pings},
}

func pings(dir string) string {
	c, n, why := pair(dir, false, options{ping: 300 * time.Millisecond, pong: 200 * time.Millisecond})
	if why != "" {
		return why
	}
	defer c.stop()
	defer n.kill()
	time.Sleep(2 * time.Second)
	if !c.has(n.id()) {
		return fail(n, "they dropped us: %v", c.probe.removed)
	}
	return ""
}
