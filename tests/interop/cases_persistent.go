package main

// Persistent peers: who comes back after the other one died.

import (
	"time"
)

var persistentCases = []interopCase{
	{"we come back after they restart, we dial", persistent},
}

func persistent(dir string) string {
	c, n, why := pair(dir, true, options{})
	if why != "" {
		return why
	}
	defer n.kill()
	home, listen := c.home, c.addr.DialString()
	c.stop()
	if !eventually(5*time.Second, func() bool { return n.said("removed " + c.id()) }) {
		c.stop()
		return fail(n, "we did not notice that they have gone")
	}
	again, err := newComet(dir, listen, options{home: home})
	if err != nil {
		return err.Error()
	}
	defer again.stop()
	if !eventually(25*time.Second, func() bool { return again.has(n.id()) }) {
		return fail(n, "we did not come back")
	}
	return ""
}
