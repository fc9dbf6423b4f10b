package main

// Who takes the slots of a node (2.1, 4.6, D-18), and what a seed puts up with (5.5).

import (
	"fmt"
	"time"
)

const slots = 4 // max_num_inbound_peers of the targets here

func startSmall(dir, profile string) (*ours, error) {
	return startOurs(dir, any, "interop", "--profile", profile, "--p2p.max_num_inbound_peers", fmt.Sprint(slots), "--p2p.pex=false",
		"--p2p.handshake_timeout", "60s")
}

// silents connect and say nothing.
func silents(target *ours, n, net int) ([]*intruder, error) {
	var list []*intruder
	for i := 0; i < n; i++ {
		x := newIntruder(target.dialString(), target.home, fmt.Sprintf("127.%d.1.%d", net, 1+i))
		if err := x.dial(); err != nil {
			return list, err
		}
		list = append(list, x)
	}
	return list, nil
}

func closeAll(list []*intruder) {
	for _, x := range list {
		if x.c != nil {
			_ = x.Close()
		}
	}
}

// peers are honest and take every slot.
func (o *ours) fill(net int) ([]*intruder, error) {
	var list []*intruder
	for i := 0; i < slots; i++ {
		x := newIntruder(o.dialString(), o.home, fmt.Sprintf("127.%d.2.%d", net, 1+i))
		list = append(list, x)
		if err := x.toRealPeer(); err != nil {
			return list, fmt.Errorf("honest peer %d: %w", i+1, err)
		}
		if err := x.echoed(0x70, wrapped("hello")); err != nil {
			return list, fmt.Errorf("honest peer %d: %w", i+1, err)
		}
	}
	return list, nil
}

// wrapped is a BytesValue, as the probe wants it.
func wrapped(text string) []byte { return field(1, []byte(text)) }

// slotsOfOurs: whoever is silent holds no slot, and who comes to a full node is told by the end of the connection, not by silence.
func slotsOfOurs(dir string) string {
	target, err := startSmall(dir, "default")
	if err != nil {
		return err.Error()
	}
	defer target.kill()
	quiet, err := silents(target, 10*slots, 10)
	defer closeAll(quiet)
	if err != nil {
		return err.Error()
	}
	full, err := target.fill(10)
	defer closeAll(full)
	if err != nil {
		return fail(target, "beside %d silent connections: %v", len(quiet), err)
	}
	late := newIntruder(target.dialString(), target.home, "127.10.3.1")
	if err := late.dial(); err != nil {
		return err.Error()
	}
	defer late.Close()
	late.put(ephemeral(late.mine))
	if _, err := late.gone(slow); err != nil {
		return fail(target, "one more than there are slots: %v", err)
	}
	if !eventually(5*time.Second, func() bool { return target.reasonOf(late.ip) == "inbound_full" }) {
		return fail(target, "the log does not say inbound_full of %s", late.ip)
	}
	for i, x := range full {
		if err := x.answered(); err != nil {
			return fail(target, "honest peer %d afterwards: %v", i+1, err)
		}
	}
	return ""
}

// slotsOfUpstream: silent connections count until their time is over, and who comes to a full node waits in the kernel's queue.
func slotsOfUpstream(dir string) string {
	target, err := startSmall(dir, upstreamProfile)
	if err != nil {
		return err.Error()
	}
	defer target.kill()
	quiet, err := silents(target, slots, 12)
	defer closeAll(quiet)
	if err != nil {
		return err.Error()
	}
	from := time.Now()
	full, err := target.fill(12)
	defer closeAll(full)
	if err != nil {
		return fail(target, "after %d silent connections: %v", len(quiet), err)
	}
	if took := time.Since(from); took < upstreamWait-time.Second {
		return fail(target, "the silent ones held no slot: the others were in after %.1f s", took.Seconds())
	}
	late := newIntruder(target.dialString(), target.home, "127.12.3.1")
	if err := late.dial(); err != nil {
		return err.Error()
	}
	defer late.Close()
	if _, err := late.gone(4 * time.Second); err == nil || late.heard != 0 {
		return fail(target, "one more than there are slots heard %d bytes (%v)", late.heard, err)
	}
	_ = full[0].Close()
	_ = late.c.SetDeadline(time.Now().Add(slow))
	if err := late.upgradeReal(); err != nil {
		return fail(target, "a slot is free again, but: %v", err)
	}
	return ""
}

// silentFlood: more silent connections than there may be handshakes, each from an address of its own (D-18). Before they had to give way an
// honest dial took 19 s; real nodes give up after three.
func silentFlood(dir string) string {
	target, err := startOurs(dir, any, "interop")
	if err != nil {
		return err.Error()
	}
	defer target.kill()
	var quiet []*intruder
	defer func() { closeAll(quiet) }()
	for net := 13; net < 13+6; net++ {
		more, err := silents(target, 100, net)
		quiet = append(quiet, more...)
		if err != nil {
			return err.Error()
		}
	}
	slowest := time.Duration(0)
	for i := 0; i < 20; i++ {
		x := newIntruder(target.dialString(), target.home, fmt.Sprintf("127.19.4.%d", 1+i))
		if err := x.toRealPeer(); err != nil {
			return fail(target, "honest dial %d beside %d silent connections: %v", i+1, len(quiet), err)
		}
		slowest = max(slowest, time.Since(x.begun))
		_ = x.Close()
	}
	note("beside %d silent connections the slowest of 20 honest upgrades took %.2f s", len(quiet), slowest.Seconds())
	if slowest > phaseTimeout {
		return fail(target, "an honest upgrade took %.2f s: real nodes give up before that", slowest.Seconds())
	}
	return ""
}

// hostileAtSeed: a seed answers one request and hangs up; what breaks a rule is cut off as by any node.
func hostileAtSeed(dir string) string {
	seed, err := startSeed(dir, "interop", "127.0.0.1")
	if err != nil {
		return err.Error()
	}
	defer seed.kill()
	rows := []row{
		both("5.5", "a request: an answer, then the end", shut("seed_done"), then(func(x *intruder) error {
			x.say(message(0, pexRequest))
			return x.hearSelection()
		})),
		both("5.5", "ten requests at once: one answer, then the end", shut("seed_done"), then(func(x *intruder) error {
			for i := 0; i < 10; i++ {
				x.say(message(0, pexRequest))
			}
			if err := x.hearSelection(); err != nil {
				return err
			}
			if err := x.hearSelection(); err == nil {
				return fmt.Errorf("there was a second answer")
			}
			return nil
		})),
		both("5.5", "addresses that nobody asked for", shut("peer_pex_unsolicited"), spoken(message(0, pexAddrs(addrOf(someone, "127.3.3.3", 26656))))),
		both("5.5", "unasked, with port 65536", shut("peer_pex_bad_addr"), spoken(message(0, pexAddrs(addrOf(someone, "127.3.3.3", 65536))))),
		both("3.5", "a channel that a seed has not", shut("peer_unknown_channel"), spoken(packetOf(0x55, true, []byte("x")))),
		both("5.1", "a PEX message of an unknown kind", shut("peer_bad_message"), spoken(message(0, field(3, nil)))),
		both("2.6", "no channel in common", shut("peer_no_common_channel"), func(x *intruder) error {
			if err := x.toInfo(); err != nil {
				return err
			}
			info := x.nodeInfo()
			info.Channels = []byte{0x55, 0x56}
			x.say(delimited(encodeInfo(info)))
			return x.hearInfo()
		}),
		both("3.7", "a peer that asks for nothing", kept, spoken()),
	}
	verdicts := runRows(rows, seed, "default")
	wrong := summary(rows, verdicts, nil, nil, "seed")
	if !seed.stop() {
		wrong += fail(seed, "the seed did not end with code 0")
	}
	return wrong
}
