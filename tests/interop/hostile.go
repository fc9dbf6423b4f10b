package main

// The hostile dialler: a table of attacks, a row for each rule of protocol.md's sections 2, 3 and 5 that a dialler can break or
// strain, each with the reaction that the rule asks for. All rows run against one listening node while honest peers use it.

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var hostileCases = []interopCase{
	{"a hostile dialler, default profile", func(dir string) string { return hostile(dir, "default") }},
	{"a hostile dialler, upstream's profile", func(dir string) string { return hostile(dir, upstreamProfile) }},
	{"strangers hold every slot, default profile", slotsOfOurs},
	{"strangers hold every slot, upstream's profile", slotsOfUpstream},
	{"a flood of silent connections leaves room for honest dials", silentFlood},
	{"a hostile dialler at a seed", hostileAtSeed},
}

// outcome is what a row expects. When closed is false, the target must answer a ping after the attack.
type outcome struct {
	closed   bool
	reason   string        // the code in the target's log; "a|b": either
	from, to time.Duration // how long the connection lasts; to 0: slow
}

var kept = outcome{}

func shut(reason string) outcome { return outcome{closed: true, reason: reason} }

func shutAfter(reason string, from, to time.Duration) outcome { return outcome{true, reason, from, to} }

// row is one attack. It runs from an address of its own; an error of attack is a failure of the row.
type row struct {
	rule, what string
	ours       outcome
	upstream   outcome
	note       string // D-nn where the profiles differ, or why
	attack     func(x *intruder) error
}

func both(rule, what string, o outcome, attack func(*intruder) error) row {
	return row{rule, what, o, o, "", attack}
}

func differ(rule, what, note string, ours, upstream outcome, attack func(*intruder) error) row {
	return row{rule, what, ours, upstream, note, attack}
}

const (
	phaseTimeout = 6 * time.Second // handshake_timeout of the target; upstream's profiles ignore it (D-09)
	upstreamWait = 3 * time.Second
	pace         = 120 * time.Millisecond // between starts of rows: the log takes 20 lines of a kind a second
)

// reasonOf finds the code that the target's log gives for this address.
func (o *ours) reasonOf(ip string) string {
	for _, line := range o.lines() {
		if strings.Contains(line, ip+":") {
			if m := reasons.FindStringSubmatch(line); m != nil {
				return m[1]
			}
		}
	}
	return ""
}

var reasons = regexp.MustCompile(`reason["=: ]+([a-z_]+)`)

// verdict of a row: what happened, and what is wrong with it ("" when nothing is).
type verdict struct {
	happened, wrong string
}

func (r row) expects(profile string) outcome {
	if profile == "default" {
		return r.ours
	}
	return r.upstream
}

// judge attacks and compares what comes of it with what the row expects.
func (r row) judge(target *ours, profile, ip string) verdict {
	x := newIntruder(target.dialString(), target.home, ip)
	defer func() {
		if x.c != nil {
			_ = x.c.Close()
		}
	}()
	if err := r.attack(x); err != nil {
		return verdict{"? " + target.reasonOf(ip), err.Error()}
	}
	v := r.observe(x, target, r.expects(profile))
	if x.after != nil {
		if err := x.after(); err != nil && v.wrong == "" {
			v.wrong = "what stood before the attack: " + err.Error()
		}
	}
	return v
}

func (r row) observe(x *intruder, target *ours, want outcome) verdict {
	if !want.closed {
		if err := x.answered(); err != nil {
			return verdict{"closed " + target.reasonOf(x.ip), err.Error()}
		}
		return verdict{"kept", ""}
	}
	to := want.to
	if to == 0 {
		to = slow
	}
	lasted, err := x.gone(to)
	if err != nil {
		return verdict{"kept", err.Error()}
	}
	eventually(5*time.Second, func() bool { return target.reasonOf(x.ip) != "" })
	got := target.reasonOf(x.ip)
	v := verdict{happened: fmt.Sprintf("closed %s after %.1f s", got, lasted.Seconds())}
	switch {
	case lasted < want.from:
		v.wrong = fmt.Sprintf("closed after %.2f s, not %.2f s", lasted.Seconds(), want.from.Seconds())
	case !slices.Contains(strings.Split(want.reason, "|"), got):
		v.wrong = fmt.Sprintf("the log gives the reason %q, not %s", got, want.reason)
	case strings.HasPrefix(r.rule, "2") && x.explained():
		v.wrong = fmt.Sprintf("%d bytes came before the end", x.heard)
	}
	return v
}

// bystanders are honest: one real CometBFT node that stays, and new peers that come one after the other.
type bystanders struct {
	stay         *comet
	target       *ours
	rounds, came atomic.Int64
	wrong        atomic.Pointer[string]
	end          chan struct{}
	waiting      sync.WaitGroup
}

func (b *bystanders) fail(format string, args ...interface{}) {
	text := fmt.Sprintf(format, args...)
	b.wrong.CompareAndSwap(nil, &text)
}

// talk sends messages through the peer that stays; each must come back.
func (b *bystanders) talk() {
	defer b.waiting.Done()
	for n := 1; ; n++ {
		if !b.stay.send(b.target.id(), 0x70, pattern(3000, n)) {
			b.fail("message %d of the honest peer could not be sent", n)
			return
		}
		if !b.stay.probe.wait(slow, func() bool { return len(b.stay.probe.got) >= n }) {
			b.fail("message %d of the honest peer did not come back", n)
			return
		}
		b.rounds.Add(1)
		select {
		case <-b.end:
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// come dials anew again and again, over CometBFT's secret connection.
func (b *bystanders) come(net int) {
	defer b.waiting.Done()
	for n := 1; ; n++ {
		if err := b.visit(fmt.Sprintf("127.%d.%d.%d", net, n/250, 1+n%250)); err != nil {
			b.fail("the %dth honest dial: %v", n, err)
			return
		}
		b.came.Add(1)
		select {
		case <-b.end:
			return
		case <-time.After(300 * time.Millisecond):
		}
	}
}

func (b *bystanders) visit(ip string) error {
	x := newIntruder(b.target.dialString(), b.target.home, ip)
	if err := x.toRealPeer(); err != nil {
		return err
	}
	defer x.Close()
	return x.echoed(0x71, pattern(500, 1))
}

// usage is what the target holds of the machine.
type usage struct {
	files, kib int
}

func (o *ours) usage() usage {
	proc := filepath.Join("/proc", strconv.Itoa(o.cmd.Process.Pid))
	files, _ := os.ReadDir(filepath.Join(proc, "fd"))
	u := usage{files: len(files)}
	status, _ := os.ReadFile(filepath.Join(proc, "status"))
	for _, line := range strings.Split(string(status), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			u.kib, _ = strconv.Atoi(strings.Fields(rest)[0])
		}
	}
	return u
}

const growth = 32 << 10 // KiB of resident memory that an allocator may keep after the largest messages

// hostile runs the whole table, or the rows whose text contains $HOSTILE, against one node.
func hostile(dir, profile string) string {
	rows := slices.DeleteFunc(slices.Concat(upgradeRows, packetRows, pexRows), func(r row) bool { return !strings.Contains(r.what, os.Getenv("HOSTILE")) })
	listeners, err := openListeners(pexAnswers)
	if err != nil {
		return err.Error()
	}
	stay, err := newComet(dir, "127.0.0.2:0", options{})
	if err != nil {
		return err.Error()
	}
	defer stay.stop()
	home, err := os.MkdirTemp(dir, "target")
	if err != nil {
		return err.Error()
	}
	target, err := launch(home, "node", "--home", home, "--network", "interop", "--moniker", "target", "--p2p.laddr", any, "--profile", profile,
		"--p2p.addr_book_strict=false", "--p2p.max_num_inbound_peers", "100", "--p2p.max_num_outbound_peers", "30", "--p2p.handshake_timeout",
		phaseTimeout.String(), "--p2p.persistent_peers", stay.address()+addressesOf(listeners), "--reactor", script("echo.lua"))
	if err != nil {
		return err.Error()
	}
	defer target.kill()
	answers := runListeners(listeners, target, profile)
	if !eventually(slow, func() bool { return stay.has(target.id()) }) {
		return fail(target, "the honest peer is not connected")
	}
	b := &bystanders{stay: stay, target: target, end: make(chan struct{})}
	if err := b.visit("127.0.0.3"); err != nil {
		return fail(target, "an honest dial before all: %v", err)
	}
	before := target.usage()
	b.waiting.Add(2)
	go b.talk()
	go b.come(253)
	verdicts := runRows(rows, target, profile)
	close(b.end)
	b.waiting.Wait()
	return summary(rows, verdicts, listeners, answers, profile) + aftermath(b, before)
}

// runRows starts a row every now and then, each from a /16 of its own, and waits for all.
func runRows(rows []row, target *ours, profile string) []verdict {
	verdicts := make([]verdict, len(rows))
	var all sync.WaitGroup
	for i, r := range rows {
		all.Add(1)
		go func() {
			defer all.Done()
			verdicts[i] = r.judge(target, profile, fmt.Sprintf("127.%d.%d.1", 60+i%190, 10+i/190))
		}()
		time.Sleep(pace)
	}
	all.Wait()
	return verdicts
}

// summary prints the table and returns what went wrong.
func summary(rows []row, verdicts []verdict, listeners []*listener, answers []verdict, profile string) string {
	var wrong strings.Builder
	tell := func(r row, v verdict) {
		note("%-14s %-6s %-66s %s %s", profile, r.rule, r.what, v.happened, r.note)
		if v.wrong != "" {
			fmt.Fprintf(&wrong, "%s %s: %s (%s)\n", r.rule, r.what, v.wrong, v.happened)
		}
	}
	for i, r := range rows {
		tell(r, verdicts[i])
	}
	for i, l := range listeners {
		tell(l.row, answers[i])
	}
	return wrong.String()
}

// aftermath: the honest ones saw nothing of it, the node lives, holds what it held before, and ends in good order.
func aftermath(b *bystanders, before usage) string {
	wrong := ""
	if text := b.wrong.Load(); text != nil {
		wrong += *text + "\n"
	}
	b.stay.probe.mtx.Lock()
	if len(b.stay.probe.removed) != 0 {
		wrong += fmt.Sprintf("the honest peer was lost: %v\n", b.stay.probe.removed)
	}
	b.stay.probe.mtx.Unlock()
	var after usage
	if !eventually(slow, func() bool { after = b.target.usage(); return after.files <= before.files+2 }) {
		wrong += fmt.Sprintf("%d files are open, %d were before\n", after.files, before.files)
	}
	if after.kib > before.kib+growth {
		wrong += fmt.Sprintf("%d KiB are resident, %d were before\n", after.kib, before.kib)
	}
	note("%d echoes of the peer that stayed, %d honest peers came and went; files %d, then %d; resident %d KiB, then %d", b.rounds.Load(),
		b.came.Load(), before.files, after.files, before.kib, after.kib)
	if !b.target.stop() {
		wrong += fail(b.target, "the target did not end with code 0")
	}
	return wrong
}
