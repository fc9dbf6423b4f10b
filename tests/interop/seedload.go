package main

// Load on our seed: 200 CometBFT nodes within ten seconds, in a network where most advertised addresses are dead.

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cometbft/cometbft/p2p"
)

var loadCases = []interopCase{
	{"our seed answers 200 of them within ten seconds, they dial", seedLoad},
}

const (
	loadClients = 200
	loadSpread  = 10 * time.Second
	loadDead    = 950      // dead addresses that are advertised; who knows a thousand does not ask a seed
	loadTellers = 14       // by so many: each tells 23 % of them, drawn
	loadInbound = 40       // CometBFT's defaults, which our seed runs with
	loadDials   = 10 + 16  // max_num_outbound_peers, and crawl_dials, whose handshakes are under way
	loadRSS     = 64 << 10 // KiB
)

// loadIP is an IP in a /16 of its own for each number: address books count by /16.
func loadIP(n, last int) string {
	second := map[string]int{"v0.40.0": 1, "v0.38.26": 2}[cometVersion]
	return fmt.Sprintf("127.%d.%d.%d", 20+n%200, 10*second+n/200, last)
}

// source carries one connection to the target, from an IP of the client's own; CometBFT cannot choose where it dials from.
type source struct {
	listener net.Listener
	ip       string
	target   string
}

func newSource(ip, target string) (*source, error) {
	l, err := net.Listen("tcp", ip+":0")
	if err != nil {
		return nil, err
	}
	s := &source{l, ip, target}
	go s.serve()
	return s, nil
}

func (s *source) serve() {
	for {
		in, err := s.listener.Accept()
		if err != nil {
			return
		}
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(s.ip)}}
		out, err := d.Dial("tcp", s.target)
		if err != nil {
			_ = in.Close()
			continue
		}
		var never atomic.Bool
		go carry(out, in, &never)
		go carry(in, out, &never)
	}
}

// loadClient is one CometBFT node that wants addresses from the seed.
type loadClient struct {
	comet  *comet
	way    *source
	took   time.Duration
	dials  int
	failed string
}

func newLoadClient(dir string, n int, seed *ours) (*loadClient, error) {
	c, err := newComet(dir, loadIP(n, 1)+":0", options{pex: true, noDials: true})
	if err != nil {
		return nil, err
	}
	way, err := newSource(loadIP(n, 2), seed.dialString())
	if err != nil {
		c.stop()
		return nil, err
	}
	return &loadClient{comet: c, way: way}, nil
}

func (l *loadClient) stop() {
	_ = l.way.listener.Close()
	l.comet.stop()
}

// ask dials until the book holds something; a CometBFT node would try again at its next tick.
func (l *loadClient) ask(seedID string) {
	began := time.Now()
	for l.comet.book.Size() == 0 && time.Since(began) < 60*time.Second {
		l.dials++
		if err := l.comet.dial(seedID + "@" + l.way.listener.Addr().String()); err != nil {
			l.failed = err.Error()
			time.Sleep(200 * time.Millisecond)
			continue
		}
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end) && l.comet.book.Size() == 0; {
			time.Sleep(5 * time.Millisecond)
		}
	}
	l.took = time.Since(began)
}

// sockets counts a process's TCP connections that are established.
func sockets(pid int) int {
	mine := map[string]bool{}
	fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, "socket:[") {
			mine[strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")] = true
		}
	}
	raw, _ := os.ReadFile("/proc/net/tcp")
	count := 0
	for _, line := range strings.Split(string(raw), "\n") {
		if f := strings.Fields(line); len(f) > 9 && f[3] == "01" && mine[f[9]] {
			count++
		}
	}
	return count
}

// peakRSS is the most memory that a process has had resident, KiB.
func peakRSS(pid int) int {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for _, line := range strings.Split(string(raw), "\n") {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmHWM:" {
			n, _ := strconv.Atoi(f[1])
			return n
		}
	}
	return 0
}

// watch samples the connections of a process until it is stopped, and returns the most it saw.
func watch(pid int) func() int {
	stop, peak := make(chan struct{}), make(chan int)
	go func() {
		most := 0
		for {
			select {
			case <-stop:
				peak <- most
				return
			case <-time.After(20 * time.Millisecond):
				most = max(most, sockets(pid))
			}
		}
	}()
	return func() int {
		close(stop)
		return <-peak
	}
}

// startTellers starts nodes whose books are full of dead addresses, and lets the seed know of them; it will ask them.
func startTellers(dir string, seed *ours) ([]*comet, error) {
	var dead []*p2p.NetAddress
	for i := 0; i < loadDead; i++ {
		text := fmt.Sprintf("%040x@%s:9", 1+i, loadIP(i, 9))
		a, err := p2p.NewNetAddressString(text)
		if err != nil {
			return nil, err
		}
		dead = append(dead, a)
	}
	var tellers []*comet
	for n := 0; n < loadTellers; n++ {
		c, err := newComet(dir, loadIP(n, 3)+":0", options{pex: true, noDials: true, knows: dead})
		if err != nil {
			return tellers, err
		}
		tellers = append(tellers, c)
		if err := c.dial(seed.address()); err != nil {
			return tellers, err
		}
		if !eventually(10*time.Second, func() bool { return !c.has(seed.id()) }) {
			return tellers, fmt.Errorf("the seed kept teller %d", n)
		}
	}
	return tellers, nil
}

// arrive lets the clients ask one after the other, evenly over the spread.
func arrive(clients []*loadClient, seedID string) {
	var all sync.WaitGroup
	for _, c := range clients {
		all.Add(1)
		go func() {
			defer all.Done()
			c.ask(seedID)
		}()
		time.Sleep(loadSpread / loadClients)
	}
	all.Wait()
}

func judgeLoad(clients []*loadClient, seed *ours, peak int) string {
	var took []time.Duration
	again := 0
	for i, c := range clients {
		if c.comet.book.Size() == 0 {
			return fail(seed, "client %d was not answered in %v and %d dials: %s", i, c.took, c.dials, c.failed)
		}
		took = append(took, c.took)
		again += c.dials - 1
	}
	slices.Sort(took)
	rss := peakRSS(seed.cmd.Process.Pid)
	note("%d clients in %v: p50 %v, p99 %v, %d dials more than clients, %d KiB, %d connections at once", len(took), loadSpread,
		took[len(took)/2].Round(time.Millisecond), took[len(took)*99/100].Round(time.Millisecond), again, rss, peak)
	if rss == 0 || rss >= loadRSS {
		return fail(seed, "%d KiB resident, not less than %d", rss, loadRSS)
	}
	if peak == 0 || peak > loadInbound+loadDials {
		return fail(seed, "%d connections at once, limits are %d and %d", peak, loadInbound, loadDials)
	}
	return ""
}

func seedLoad(dir string) string {
	seed, err := startSeed(dir, "interop", "127.19.0.1", "--p2p.allow_duplicate_ip=false")
	if err != nil {
		return err.Error()
	}
	defer seed.kill()
	tellers, err := startTellers(dir, seed)
	for _, t := range tellers {
		defer t.stop()
	}
	if err != nil {
		return fail(seed, "%v", err)
	}
	own := filepath.Join(dir, "clients") // their logs would bury the others'
	if err := os.Mkdir(own, 0o700); err != nil {
		return err.Error()
	}
	var clients []*loadClient
	for n := 1; n <= loadClients; n++ {
		c, err := newLoadClient(own, n, seed)
		if err != nil {
			return err.Error()
		}
		defer c.stop()
		clients = append(clients, c)
	}
	peak := watch(seed.cmd.Process.Pid)
	arrive(clients, seed.id())
	if why := judgeLoad(clients, seed, peak()); why != "" {
		return why
	}
	for _, c := range clients {
		tellers = append(tellers, c.comet)
	}
	return judgeServed(own, seed, tellers)
}

// served asks as another newcomer: how many addresses it gets, and how many of them are nodes that run.
func served(dir string, n int, seed *ours, live []*comet) (count, up int, err error) {
	last, err := newLoadClient(dir, n, seed)
	if err != nil {
		return 0, 0, err
	}
	defer last.stop()
	last.ask(seed.id())
	for _, c := range live {
		if last.comet.book.HasAddress(c.addr) {
			up++
		}
	}
	return last.comet.book.Size(), up, nil
}

// judgeServed looks at what the seed hands out and at what it has heard of: nine tenths of the one run, three quarters of the other
// are dead (950 of 1,165 addresses are advertised by the dead; the book's buckets take most of them). The seed gets some seconds to look at those who came last.
func judgeServed(dir string, seed *ours, live []*comet) string {
	count, up := 0, 0
	for n, err := loadClients+1, error(nil); n < loadClients+10 && (count < len(live)/2 || up*10 < count*9); n++ {
		time.Sleep(time.Second)
		if count, up, err = served(dir, n, seed, live); err != nil {
			return err.Error()
		}
	}
	if !seed.stop() {
		return fail(seed, "the seed did not end with code 0")
	}
	raw, _ := os.ReadFile(filepath.Join(seed.home, "config", "addrbook.json"))
	dead := strings.Count(string(raw), "\"port\": 9\n")
	all := strings.Count(string(raw), "\"bucket_type\"")
	note("then %d of %d addresses of an answer are nodes that run; of %d addresses in the seed's book %d are dead", up, count, all, dead)
	if count < len(live)/2 || up*10 < count*9 || dead*4 < all*3 {
		return fail(seed, "%d of %d addresses of an answer are nodes that run; %d of %d in the book are dead", up, count, dead, all)
	}
	return ""
}
