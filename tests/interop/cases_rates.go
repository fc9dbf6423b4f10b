package main

// What a full connection carries: how channels share it, and how exactly the limits of either side hold.

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cometbft/cometbft/p2p"
)

// The three wide channels of probe.lua and of the probe have the priorities 1, 4 and 7.
var wide = []struct {
	id    byte
	share float64
}{{0x70, 1.0 / 12}, {0x71, 4.0 / 12}, {0x72, 7.0 / 12}}

const (
	rate       = 1000000 // bytes per second of packets, where a case limits a connection
	unlimited  = 1 << 40
	floodSize  = 2000
	shareError = 0.02
	// Message bytes of a packet that is full, or is one of the two that a message of 2,000 bytes takes.
	payload = 2000.0 / (2000 + 2*10)
	// Their limiter is a gate that opens for a batch of 10 packets as long as the 100 ms of a sample, rounded to a clock of
	// 20 ms, have not brought their tenth of a second's bytes: up to a tenth more, or a sixth less. Ours keeps the rate.
	theirError = 0.18
	ourError   = 0.05
)

var rateCases = slices.Concat(
	bothRoles("priorities 1:4:7 when we send, default", twice(ourShares("default"))),
	bothRoles("priorities 1:4:7 when we send, upstream", twice(ourShares("upstream"))),
	bothRoles("priorities 1:4:7 when we send, upstream-v0.38", twice(ourShares("upstream-v0.38"))),
	bothRoles("priorities 1:4:7 when they send", twice(theirShares)),
	bothRoles("our send_rate holds, default", twice(ourSendRate("default", ourError))),
	bothRoles("our send_rate holds as theirs does, upstream", twice(ourSendRate("upstream", theirError))),
	bothRoles("their recv_rate slows us down", twice(theirRecvRate)),
	bothRoles("their send_rate holds", twice(theirSendRate)),
	bothRoles("our recv_rate slows them down, default: 5 % over it (D-05)", twice(ourRecvRate("default", 1.05, ourError))),
	bothRoles("our recv_rate slows them down, upstream", twice(ourRecvRate("upstream", 1, theirError))),
)

// flows is what arrived of each wide channel in a window of time.
type flows struct {
	bytes   [3]float64
	seconds float64
}

func (f flows) total() float64 { return f.bytes[0] + f.bytes[1] + f.bytes[2] }

// shares compares the shares with the priorities.
func (f flows) shares() string {
	for i, ch := range wide {
		if got := f.bytes[i] / f.total(); math.Abs(got-ch.share) > shareError {
			return fmt.Sprintf("channel %#x has a share of %.3f, not %.3f (%v)", ch.id, got, ch.share, f.bytes)
		}
	}
	return ""
}

// rateIs compares the rate of packets with the one that is wanted.
func (f flows) rateIs(wanted, tolerance float64) string {
	got := f.total() / payload / f.seconds
	if math.Abs(got/wanted-1) > tolerance {
		return fmt.Sprintf("%.0f bytes a second, not %.0f within %.0f %%", got, wanted, 100*tolerance)
	}
	return ""
}

func (f flows) String() string {
	t := f.total()
	return fmt.Sprintf("%.0f bytes/s, shares %.3f %.3f %.3f", t/payload/f.seconds, f.bytes[0]/t, f.bytes[1]/t, f.bytes[2]/t)
}

// window measures between two looks, when the first second is over.
func window(look func() ([3]float64, time.Time)) flows {
	time.Sleep(time.Second)
	before, began := look()
	time.Sleep(3 * time.Second)
	after, ended := look()
	f := flows{seconds: ended.Sub(began).Seconds()}
	for i := range after {
		f.bytes[i] = after[i] - before[i]
	}
	return f
}

// atTheirs looks at what their probe has counted.
func (c *comet) atTheirs() ([3]float64, time.Time) {
	c.probe.mtx.Lock()
	defer c.probe.mtx.Unlock()
	var got [3]float64
	for i, ch := range wide {
		got[i] = float64(c.probe.bytes[ch.id])
	}
	return got, time.Now()
}

var heardLine = regexp.MustCompile(`heard 112=\d+/(\d+) 113=\d+/(\d+) 114=\d+/(\d+)`)

// atOurs waits for the next line in which our node tells what it has heard.
func (n *ours) atOurs() ([3]float64, time.Time) {
	seen := len(n.lines())
	var got [3]float64
	var at time.Time
	eventually(10*time.Second, func() bool {
		lines := n.lines()
		for _, l := range lines[seen:] {
			if m := heardLine.FindStringSubmatch(l); m != nil {
				at = time.Now()
				for i := range got {
					got[i], _ = strconv.ParseFloat(m[i+1], 64)
				}
				return true
			}
		}
		return false
	})
	return got, at
}

// weFlood measures at theirs while we send what goes.
func weFlood(dir string, weDial bool, o options, args ...string) (flows, *ours, string) {
	c, n, why := pair(dir, weDial, o, args...)
	if why != "" {
		return flows{}, nil, why
	}
	defer c.stop()
	defer n.kill()
	c.probe.sinkAll()
	c.say(n, "!flood %d", floodSize)
	f := window(c.atTheirs)
	note("we send, %v: %v", args, f)
	if !c.has(n.id()) {
		return f, n, fail(n, "they removed us: %s", c.probe.whyRemoved(n.id()))
	}
	return f, n, ""
}

// theyFlood measures at ours while they send what goes.
func theyFlood(dir string, weDial bool, o options, args ...string) (flows, *ours, string) {
	c, n, why := pair(dir, weDial, o, args...)
	if why != "" {
		return flows{}, nil, why
	}
	defer c.stop()
	defer n.kill()
	c.say(n, "!sink")
	peer := c.sw.Peers().Get(p2p.ID(n.id()))
	for _, ch := range wide {
		go func() {
			for peer.IsRunning() {
				peer.Send(p2p.Envelope{ChannelID: ch.id, Message: &raw{pattern(floodSize, 0)}})
			}
		}()
	}
	f := window(n.atOurs)
	note("they send, %v: %v", args, f)
	if !c.has(n.id()) {
		return f, n, fail(n, "they removed us: %s", c.probe.whyRemoved(n.id()))
	}
	return f, n, ""
}

// twice gives a measure a second try: a machine that is busy with other things keeps no rate.
func twice(run func(dir string, weDial bool) string) func(dir string, weDial bool) string {
	return func(dir string, weDial bool) string {
		why := run(dir, weDial)
		if why != "" {
			note("once more, as: %s", strings.SplitN(why, "\n", 2)[0])
			why = run(dir, weDial)
		}
		return why
	}
}

// judged is the verdict of a measure.
func judged(n *ours, why, verdict string) string {
	if why == "" && verdict != "" {
		return fail(n, "%s", verdict)
	}
	return why
}

func ourShares(profile string) func(dir string, weDial bool) string {
	return func(dir string, weDial bool) string {
		f, n, why := weFlood(dir, weDial, options{}, "--profile", profile, fmt.Sprintf("--p2p.send_rate=%d", rate))
		return judged(n, why, f.shares())
	}
}

func theirShares(dir string, weDial bool) string {
	f, n, why := theyFlood(dir, weDial, options{sendRate: rate})
	return judged(n, why, f.shares())
}

func ourSendRate(profile string, tolerance float64) func(dir string, weDial bool) string {
	return func(dir string, weDial bool) string {
		f, n, why := weFlood(dir, weDial, options{recvRate: unlimited}, "--profile", profile, fmt.Sprintf("--p2p.send_rate=%d", rate))
		return judged(n, why, f.rateIs(rate, tolerance))
	}
}

func theirRecvRate(dir string, weDial bool) string {
	f, n, why := weFlood(dir, weDial, options{recvRate: rate}, "--p2p.send_rate=0")
	return judged(n, why, f.rateIs(rate, theirError))
}

func theirSendRate(dir string, weDial bool) string {
	f, n, why := theyFlood(dir, weDial, options{sendRate: rate}, "--p2p.recv_rate=0")
	return judged(n, why, f.rateIs(rate, theirError))
}

func ourRecvRate(profile string, wanted, tolerance float64) func(dir string, weDial bool) string {
	return func(dir string, weDial bool) string {
		f, n, why := theyFlood(dir, weDial, options{sendRate: unlimited}, "--profile", profile, fmt.Sprintf("--p2p.recv_rate=%d", rate))
		return judged(n, why, f.rateIs(wanted*rate, tolerance))
	}
}
