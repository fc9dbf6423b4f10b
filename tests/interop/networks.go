package main

// Whole networks: chains of CometBFT nodes and ours among them. These cases run beside each other.

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/mempool"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/pex"
	"github.com/cometbft/cometbft/types"
)

var networkCases = []interopCase{
	{"four validators that know only our seed make blocks", validatorsBehindSeed},
	{"five of ours and five of theirs behind our seed converge", crowdBehindOurs},
	{"five of ours and five of theirs behind their seed converge", crowdBehindTheirs},
	{"a validator's traffic for two minutes", besideValidator},
	{"an existing home joins its network", existingHome},
}

// startSeed runs `switchyard seed` of this network.
func startSeed(dir, network, ip string, args ...string) (*ours, error) {
	home, err := os.MkdirTemp(dir, "seed")
	if err != nil {
		return nil, err
	}
	return launch(home, append([]string{"seed", "--home", home, "--network", network, "--p2p.laddr", "tcp://" + ip + ":0",
		"--p2p.addr_book_strict=false", "--p2p.allow_duplicate_ip=true"}, args...)...)
}

// startChain starts validators at these addresses, all with equal power.
func startChain(dir, network string, ips []string, change func(*config.Config)) ([]*validator, error) {
	var members []*validator
	for _, ip := range ips {
		v, err := newValidator(dir, ip, change)
		if err != nil {
			return nil, err
		}
		members = append(members, v)
	}
	doc, err := chainOf(network, members)
	if err != nil {
		return nil, err
	}
	for _, v := range members {
		if err := v.start(doc); err != nil {
			stopAll(members)
			return nil, err
		}
	}
	return members, nil
}

func stopAll(members []*validator) {
	for _, v := range members {
		v.stop()
	}
}

func lowest(members []*validator) int64 {
	low := members[0].height()
	for _, v := range members[1:] {
		low = min(low, v.height())
	}
	return low
}

func validatorsBehindSeed(dir string) string {
	const network, wanted = "fourfold", 3
	seed, err := startSeed(dir, network, "127.10.0.1")
	if err != nil {
		return err.Error()
	}
	defer seed.kill()
	members, err := startChain(dir, network, []string{"127.11.0.1", "127.12.0.1", "127.13.0.1", "127.14.0.1"},
		func(c *config.Config) { c.P2P.Seeds = seed.address() })
	if err != nil {
		return err.Error()
	}
	defer stopAll(members)
	if !eventually(80*time.Second, func() bool { return lowest(members) >= wanted }) {
		return fail(seed, "the lowest height is %d, not %d", lowest(members), wanted)
	}
	return ""
}

// crowd is a network of both kinds; every member has a /16 of its own.
type crowd struct {
	ours   []*ours
	theirs []*comet
}

const (
	crowdEach  = 5 // of each kind
	crowdPeers = 4 // each has so many peers at least
	crowdBook  = 7 // each book knows so many of the nine others at least
)

var comings = regexp.MustCompile(`(added|removed) ([0-9a-f]{40})`)

var holding = regexp.MustCompile(`book ([0-9]+)"?$`)

// bookSize is what the census said last.
func (o *ours) bookSize() int {
	lines := o.lines()
	for i := len(lines) - 1; i >= 0; i-- {
		if m := holding.FindStringSubmatch(lines[i]); m != nil {
			n, _ := strconv.Atoi(m[1])
			return n
		}
	}
	return 0
}

// peers are the ids that a node's reactor has seen come and not go.
func (o *ours) peers() map[string]bool {
	set := map[string]bool{}
	for _, line := range o.lines() {
		if m := comings.FindStringSubmatch(line); m != nil {
			if m[1] == "added" {
				set[m[2]] = true
			} else {
				delete(set, m[2])
			}
		}
	}
	return set
}

func (c *comet) peers() map[string]bool {
	set := map[string]bool{}
	c.probe.mtx.Lock()
	defer c.probe.mtx.Unlock()
	for id := range c.probe.added {
		set[string(id)] = true
	}
	return set
}

func (w *crowd) addresses() []string {
	var list []string
	for _, o := range w.ours {
		list = append(list, o.address())
	}
	for _, c := range w.theirs {
		list = append(list, c.address())
	}
	return list
}

// links is the graph, without the seed: whom each member has as a peer.
func (w *crowd) links() map[string]map[string]bool {
	graph := map[string]map[string]bool{}
	for _, o := range w.ours {
		graph[o.id()] = o.peers()
	}
	for _, c := range w.theirs {
		graph[c.id()] = c.peers()
	}
	for _, set := range graph {
		for id := range set {
			if graph[id] == nil {
				delete(set, id)
			}
		}
	}
	return graph
}

func connected(graph map[string]map[string]bool) bool {
	seen := map[string]bool{}
	var walk func(id string)
	walk = func(id string) {
		if seen[id] {
			return
		}
		seen[id] = true
		for next := range graph[id] {
			walk(next)
		}
	}
	for id := range graph {
		walk(id)
		break
	}
	return len(seen) == len(graph)
}

// informed: every book holds enough. What ours say counts a seed, too, that has come back to them.
func (w *crowd) informed() bool {
	for _, o := range w.ours {
		if o.bookSize() <= crowdBook {
			return false
		}
	}
	for _, c := range w.theirs {
		if w.known(c.book) < crowdBook {
			return false
		}
	}
	return true
}

// meshed: everybody has enough peers, and there is one network.
func (w *crowd) meshed() bool {
	graph := w.links()
	for _, set := range graph {
		if len(set) < crowdPeers {
			return false
		}
	}
	return connected(graph)
}

// known counts the members that a book holds.
func (w *crowd) known(book pex.AddrBook) int {
	n := 0
	for _, text := range w.addresses() {
		if na, err := p2p.NewNetAddressString(text); err == nil && book.HasAddress(na) {
			n++
		}
	}
	return n
}

// poorest is the least that a book knows; ours are read from the files that the nodes leave when they stop.
func (w *crowd) poorest() (int, string) {
	least := 2 * crowdEach
	for _, c := range w.theirs {
		least = min(least, w.known(c.book))
	}
	for _, o := range w.ours {
		if !o.stop() {
			return 0, fail(o, "a node did not end with code 0")
		}
		book := pex.NewAddrBook(filepath.Join(o.home, "config", "addrbook.json"), false)
		if err := book.Start(); err != nil {
			return 0, err.Error()
		}
		least = min(least, w.known(book))
		_ = book.Stop()
	}
	return least, ""
}

// stop takes the whole crowd down.
func (w *crowd) stop() {
	for _, c := range w.theirs {
		c.stop()
	}
	for _, o := range w.ours {
		o.kill()
	}
}

// gather starts the members behind a seed; their addresses are 127.first.0.1, 127.first+1.0.1, ...
func (w *crowd) gather(dir, seed string, first int) error {
	for i := 0; i < crowdEach; i++ {
		home, err := os.MkdirTemp(dir, "ours")
		if err != nil {
			return err
		}
		o, err := launch(home, "node", "--home", home, "--network", "interop", "--p2p.laddr", fmt.Sprintf("tcp://127.%d.0.1:0", first+2*i),
			"--p2p.addr_book_strict=false", "--p2p.seeds", seed, "--p2p.allow_duplicate_ip=true", "--reactor", script("census.lua"))
		if err != nil {
			return err
		}
		w.ours = append(w.ours, o)
		c, err := newComet(dir, fmt.Sprintf("127.%d.0.1:0", first+2*i+1), options{pex: true, seeds: []string{seed}, dupIP: true})
		if err != nil {
			return err
		}
		w.theirs = append(w.theirs, c)
	}
	return nil
}

func (w *crowd) converges(dir, seed string, first int) string {
	defer w.stop()
	if err := w.gather(dir, seed, first); err != nil {
		return err.Error()
	}
	from := time.Now()
	if !eventually(90*time.Second, func() bool { return w.meshed() && w.informed() }) {
		return fmt.Sprintf("not everybody has %d peers and %d addresses, or the network is in parts: %v", crowdPeers, crowdBook, w.links())
	}
	took := time.Since(from)
	least, why := w.poorest()
	if why == "" && least < crowdBook {
		why = fmt.Sprintf("the poorest book knows %d of the %d others, not %d", least, 2*crowdEach-1, crowdBook)
	}
	if why == "" {
		note("a crowd of %d: each has %d peers after %.1f s, the poorest book knows %d of %d", 2*crowdEach, crowdPeers, took.Seconds(), least,
			2*crowdEach-1)
	}
	return why
}

func crowdBehindOurs(dir string) string {
	seed, err := startSeed(dir, "interop", "127.20.0.1")
	if err != nil {
		return err.Error()
	}
	defer seed.kill()
	return new(crowd).converges(dir, seed.address(), 21)
}

func crowdBehindTheirs(dir string) string {
	seed, err := newComet(dir, "127.40.0.1:0", options{pex: true, seedMode: true, dupIP: true})
	if err != nil {
		return err.Error()
	}
	defer seed.stop()
	return new(crowd).converges(dir, seed.address(), 41)
}

var counted = regexp.MustCompile(`([0-9a-f]{2}):([0-9]+)`)

// counts is what the mirror said last of a channel.
func (o *ours) count(channel string) int {
	lines := o.lines()
	for i := len(lines) - 1; i >= 0; i-- {
		at := strings.Index(lines[i], "counts ")
		if at < 0 {
			continue
		}
		for _, m := range counted.FindAllStringSubmatch(lines[i][at:], -1) {
			if m[1] == channel {
				n, _ := strconv.Atoi(m[2])
				return n
			}
		}
	}
	return 0
}

// besideNode runs a node of this network that has the validator as a persistent peer.
func besideNode(dir, network, ip string, v *validator, args ...string) (*ours, error) {
	home, err := os.MkdirTemp(dir, "beside")
	if err != nil {
		return nil, err
	}
	return launch(home, append([]string{"node", "--home", home, "--network", network, "--p2p.laddr", "tcp://" + ip + ":0",
		"--p2p.addr_book_strict=false", "--p2p.pex=false", "--p2p.persistent_peers", v.address()}, args...)...)
}

// besideValidator: two nodes stay with a validator, one that drops all that comes on the channels of a CometBFT node, and one whose
// reactor has these channels and makes the validator believe that it follows the chain.
func besideValidator(dir string) string {
	const network, long = "traffic", 2 * time.Minute
	members, err := startChain(dir, network, []string{"127.60.0.1"}, nil)
	if err != nil {
		return err.Error()
	}
	v := members[0]
	defer v.stop()
	mirror, err := besideNode(dir, network, "127.61.0.1", v, "--switchyard.channels", "none", "--reactor", script("mirror.lua"))
	if err != nil {
		return err.Error()
	}
	defer mirror.kill()
	sink, err := besideNode(dir, network, "127.62.0.1", v)
	if err != nil {
		return err.Error()
	}
	defer sink.kill()
	var peers []p2p.Peer
	for _, n := range []*ours{mirror, sink} {
		if !eventually(20*time.Second, func() bool { return v.node.Switch().Peers().Has(p2p.ID(n.id())) }) {
			return fail(n, "the validator has not got us as a peer")
		}
		peers = append(peers, v.node.Switch().Peers().Get(p2p.ID(n.id())))
	}
	from := v.height()
	for i, end := 0, time.Now().Add(long); time.Now().Before(end); i++ {
		if !peers[0].IsRunning() || mirror.said("removed ") {
			return fail(mirror, "the connection was lost")
		}
		if !peers[1].IsRunning() || sink.said("removed ") {
			return fail(sink, "the connection was lost")
		}
		_ = v.node.Mempool().CheckTx(types.Tx(fmt.Sprintf("k%d=v%d", i, i)), nil, mempool.TxInfo{})
		time.Sleep(200 * time.Millisecond)
	}
	dropped := peers[1].Status().SendMonitor.Bytes
	note("beside a validator from height %d to %d: 0x20 %d, 0x21 %d, 0x22 %d, 0x30 %d messages; %d bytes to the one that drops all", from,
		v.height(), mirror.count("20"), mirror.count("21"), mirror.count("22"), mirror.count("30"), dropped)
	if v.height() < from+10 {
		return fail(mirror, "the chain has only come from %d to %d", from, v.height())
	}
	for _, channel := range []string{"20", "21", "22", "30"} {
		if mirror.count(channel) == 0 {
			return fail(mirror, "nothing came on channel 0x%s", channel)
		}
	}
	if dropped == 0 {
		return fail(sink, "the validator sent nothing to the node that drops all")
	}
	if !mirror.stop() || !sink.stop() {
		return "a node did not end with code 0"
	}
	return ""
}

func existingHome(dir string) string {
	const network = "existing"
	members, err := startChain(dir, network, []string{"127.70.0.1", "127.71.0.1", "127.72.0.1"}, nil)
	if err != nil {
		return err.Error()
	}
	defer stopAll(members)
	// a home as an operator would have it: one peer in persistent_peers, one in seeds, one known from the address book alone
	mine, err := newValidator(dir, "127.73.0.1", func(c *config.Config) {
		c.P2P.PersistentPeers = members[0].address()
		c.P2P.Seeds = members[1].address()
	})
	if err != nil {
		return err.Error()
	}
	doc, err := types.GenesisDocFromFile(members[0].cfg.GenesisFile())
	if err != nil {
		return err.Error()
	}
	if err := doc.SaveAs(mine.cfg.GenesisFile()); err != nil {
		return err.Error()
	}
	book := pex.NewAddrBook(mine.cfg.P2P.AddrBookFile(), false)
	known, err := p2p.NewNetAddressString(members[2].address())
	if err != nil {
		return err.Error()
	}
	if err := book.AddAddress(known, known); err != nil {
		return err.Error()
	}
	book.Save()
	n, err := launch(mine.home, "node", "--home", mine.home)
	if err != nil {
		return err.Error()
	}
	defer n.kill()
	if n.address() != mine.address() {
		return fail(n, "we are %s, the home says %s", n.address(), mine.address())
	}
	for i, v := range []*validator{members[0], members[2]} {
		if !eventually(40*time.Second, func() bool { return v.node.Switch().Peers().Has(mine.key.ID()) }) {
			return fail(n, "validator %d has not got us as a peer", i)
		}
	}
	return ""
}
