package main

// A real CometBFT switch with its transport, PEX reactor, address book and one probing reactor.

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"
	"github.com/cometbft/cometbft/p2p/pex"
	"github.com/cometbft/cometbft/version"
)

// Receive capacities of probe.lua's channels, and the one channel where it is low.
const (
	wideBytes      = 4 << 20
	narrow         = 0x73
	ourNarrowBytes = 70000
)

// options of a CometBFT side; the zero value is an ordinary node.
type options struct {
	network     string
	block       uint64
	channels    []byte // advertised and served; default 0x70..0x73
	narrowBytes int    // receive capacity of channel 0x73; default as ours, 70000
	inbound     int
	seedMode    bool
	seeds       []string
	knows       []*p2p.NetAddress // in the address book from the start
	strict      bool
	pex         bool
	ping        time.Duration
	pong        time.Duration
	recvRate    int64
	sendRate    int64
	home        string // an existing home is used, else a fresh one
	noDials     bool   // max_num_outbound_peers 0: it dials whom the case names and nobody else
	dupIP       bool   // two peers on one IP may be dialled
	oneIP       bool   // the filter of a real node: one connection for each IP
	moniker     string
	app         uint64
	rpc         string
	rude        bool // channel 0 is served by a reactor that does as it is told
}

// raw is a message type whose bytes are the message: sizes on the wire are exactly those of the case.
type raw struct{ Value []byte }

func (m *raw) Reset()                       { m.Value = nil }
func (m *raw) String() string               { return fmt.Sprintf("%d bytes", len(m.Value)) }
func (m *raw) ProtoMessage()                {}
func (m *raw) Marshal() ([]byte, error)     { return m.Value, nil }
func (m *raw) Unmarshal(bytes []byte) error { m.Value = append([]byte(nil), bytes...); return nil }

// heard is one message that the probe received.
type heard struct {
	peer p2p.ID
	ch   byte
	data []byte
}

// probe is a reactor that records what it hears.
type probe struct {
	p2p.BaseReactor
	channels    []byte
	narrowBytes int
	mtx         sync.Mutex
	sink        bool // what is heard is counted, not kept
	bytes       map[byte]int
	got         []heard
	added       map[p2p.ID]p2p.Peer
	removed     map[p2p.ID]string // the last reason; kept when the peer comes back
	fresh       chan struct{}
}

func newProbe(channels []byte, narrowBytes int) *probe {
	r := &probe{channels: channels, narrowBytes: narrowBytes, bytes: map[byte]int{}, added: map[p2p.ID]p2p.Peer{}, removed: map[p2p.ID]string{}, fresh: make(chan struct{}, 1)}
	r.BaseReactor = *p2p.NewBaseReactor("PROBE", r)
	return r
}

func (r *probe) GetChannels() []*conn.ChannelDescriptor {
	list := make([]*conn.ChannelDescriptor, 0, len(r.channels))
	for i, id := range r.channels {
		capacity := wideBytes
		if id == narrow {
			capacity = r.narrowBytes
		}
		list = append(list, &conn.ChannelDescriptor{ID: id, Priority: 1 + 3*i, SendQueueCapacity: 100,
			RecvMessageCapacity: capacity, MessageType: &raw{}})
	}
	return list
}

func (r *probe) poke() {
	select {
	case r.fresh <- struct{}{}:
	default:
	}
}

func (r *probe) AddPeer(peer p2p.Peer) {
	r.mtx.Lock()
	r.added[peer.ID()] = peer
	r.mtx.Unlock()
	r.poke()
}

func (r *probe) RemovePeer(peer p2p.Peer, reason interface{}) {
	r.mtx.Lock()
	delete(r.added, peer.ID())
	r.removed[peer.ID()] = fmt.Sprint(reason)
	r.mtx.Unlock()
	r.poke()
}

func (r *probe) Receive(e p2p.Envelope) {
	value, ok := e.Message.(*raw)
	if !ok {
		return
	}
	r.mtx.Lock()
	r.bytes[e.ChannelID] += len(value.Value)
	if !r.sink {
		r.got = append(r.got, heard{e.Src.ID(), e.ChannelID, value.Value})
	}
	r.mtx.Unlock()
	r.poke()
}

// heard is what was received so far.
func (r *probe) heard() []heard {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	return append([]heard(nil), r.got...)
}

func (r *probe) clear() {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	r.got = nil
}

// sinkAll makes it count what comes and keep nothing.
func (r *probe) sinkAll() {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	r.sink = true
}

func (r *probe) whyRemoved(id string) string {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	return r.removed[p2p.ID(id)]
}

func (r *probe) everAdded() bool {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	return len(r.added)+len(r.removed) != 0
}

// wait looks at the probe until the condition holds or the time is up.
func (r *probe) wait(d time.Duration, cond func() bool) bool {
	end := time.Now().Add(d)
	for {
		r.mtx.Lock()
		ok := cond()
		r.mtx.Unlock()
		if ok {
			return true
		}
		left := time.Until(end)
		if left <= 0 {
			return false
		}
		if left > 50*time.Millisecond {
			left = 50 * time.Millisecond
		}
		select {
		case <-r.fresh:
		case <-time.After(left):
		}
	}
}

// comet is one running CometBFT side.
type comet struct {
	sw        *p2p.Switch
	transport *p2p.MultiplexTransport
	probe     *probe
	book      pex.AddrBook
	pex       *pex.Reactor
	rude      *rude
	key       *p2p.NodeKey
	home      string
	addr      *p2p.NetAddress
}

func (c *comet) address() string { return c.addr.String() }
func (c *comet) id() string      { return string(c.key.ID()) }

func (c *comet) stop() {
	_ = c.sw.Stop()
	_ = c.transport.Close()
}

func (c *comet) has(id string) bool { return c.sw.Peers().Has(p2p.ID(id)) }

func (c *comet) dial(address string) error {
	na, err := p2p.NewNetAddressString(address)
	if err != nil {
		return err
	}
	return c.sw.DialPeerWithAddress(na)
}

func (c *comet) send(id string, ch byte, data []byte) bool {
	peer := c.sw.Peers().Get(p2p.ID(id))
	if peer == nil {
		return false
	}
	return peer.Send(p2p.Envelope{ChannelID: ch, Message: &raw{data}})
}

// say sends a command to probe.lua.
func (c *comet) say(n *ours, format string, args ...interface{}) bool {
	return c.send(n.id(), 0x70, []byte(fmt.Sprintf(format, args...)))
}

// openLog is a log in this home; with COMET_LOG set it goes to the screen, in full.
func openLog(home string) (log.Logger, error) {
	if os.Getenv("COMET_LOG") != "" {
		return log.NewTMLogger(log.NewSyncWriter(os.Stderr)), nil
	}
	f, err := os.OpenFile(filepath.Join(home, "comet.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return log.NewFilter(log.NewTMLogger(log.NewSyncWriter(f)), log.AllowInfo()), nil
}

// said tells whether their log holds this text.
func (c *comet) said(text string) bool {
	raw, _ := os.ReadFile(filepath.Join(c.home, "comet.log"))
	return strings.Contains(string(raw), text)
}

// newComet starts a switch that listens at listen ("IP:0" takes any port).
func newComet(dir, listen string, o options) (*comet, error) {
	for tries := 0; ; tries++ {
		c, err := tryComet(dir, listen, o)
		if err == nil || tries == 5 || !strings.HasSuffix(listen, ":0") || !errors.Is(err, syscall.EADDRINUSE) {
			return c, err
		}
	}
}

func tryComet(dir, listen string, o options) (*comet, error) {
	if o.network == "" {
		o.network = "interop"
	}
	if o.moniker == "" {
		o.moniker = "comet"
	}
	if o.block == 0 {
		o.block = version.BlockProtocol
	}
	if o.channels == nil {
		o.channels = []byte{0x70, 0x71, 0x72, narrow}
	}
	if o.narrowBytes == 0 {
		o.narrowBytes = ourNarrowBytes
	}
	if o.inbound == 0 {
		o.inbound = 40
	}
	home := o.home
	if home == "" {
		home, _ = os.MkdirTemp(dir, "comet")
	}
	_ = os.MkdirAll(filepath.Join(home, "config"), 0o700)
	key, err := p2p.LoadOrGenNodeKey(filepath.Join(home, "config", "node_key.json"))
	if err != nil {
		return nil, err
	}
	if _, ok := key.PrivKey.(ed25519.PrivKey); !ok {
		return nil, fmt.Errorf("node key is %T", key.PrivKey)
	}
	cfg := config.DefaultP2PConfig()
	cfg.AllowDuplicateIP = o.dupIP
	cfg.MaxNumInboundPeers = o.inbound
	if o.noDials {
		cfg.MaxNumOutboundPeers = 0
	}
	cfg.AddrBookStrict = o.strict

	m := conn.DefaultMConnConfig()
	m.SendRate, m.RecvRate = cfg.SendRate, cfg.RecvRate
	if o.sendRate != 0 {
		m.SendRate = o.sendRate
	}
	if o.recvRate != 0 {
		m.RecvRate = o.recvRate
	}
	m.FlushThrottle = cfg.FlushThrottleTimeout
	if o.ping != 0 {
		m.PingInterval, m.PongTimeout = o.ping, o.pong
	}
	na, err := p2p.NewNetAddressString(p2p.IDAddressString(key.ID(), listen))
	if err != nil {
		return nil, err
	}
	// the port must be known before the node info is made: take one and give it back
	if na.Port == 0 {
		l, err := net.Listen("tcp", na.DialString())
		if err != nil {
			return nil, err
		}
		na = p2p.NewNetAddress(key.ID(), l.Addr())
		_ = l.Close()
	}
	channels := append([]byte(nil), o.channels...)
	if o.pex || o.rude {
		channels = append(channels, pex.PexChannel)
	}
	info := p2p.DefaultNodeInfo{
		ProtocolVersion: p2p.NewProtocolVersion(version.P2PProtocol, o.block, o.app),
		DefaultNodeID:   key.ID(),
		ListenAddr:      na.DialString(),
		Network:         o.network,
		Version:         version.TMCoreSemVer,
		Channels:        channels,
		Moniker:         o.moniker,
		Other:           p2p.DefaultNodeInfoOther{TxIndex: "on", RPCAddress: o.rpc},
	}
	c := &comet{key: key, home: home, addr: na, probe: newProbe(o.channels, o.narrowBytes)}
	c.transport = p2p.NewMultiplexTransport(info, *key, m)
	p2p.MultiplexTransportMaxIncomingConnections(o.inbound)(c.transport)
	if o.oneIP {
		p2p.MultiplexTransportConnFilters(p2p.ConnDuplicateIPFilter())(c.transport)
	}
	c.sw = p2p.NewSwitch(cfg, c.transport)
	logger, err := openLog(home)
	if err != nil {
		return nil, err
	}
	c.sw.SetLogger(logger)
	c.sw.SetNodeKey(key)
	c.sw.SetNodeInfo(info)
	c.sw.AddReactor("PROBE", c.probe)
	c.book = pex.NewAddrBook(filepath.Join(home, "config", "addrbook.json"), o.strict)
	c.book.AddOurAddress(na)
	for _, a := range o.knows {
		if err := c.book.AddAddress(a, a); err != nil {
			return nil, err
		}
	}
	c.sw.SetAddrBook(c.book)
	if o.pex {
		c.pex = pex.NewReactor(c.book, &pex.ReactorConfig{SeedMode: o.seedMode, Seeds: o.seeds, SeedDisconnectWaitPeriod: 28 * time.Hour})
		c.pex.SetLogger(logger)
		c.sw.AddReactor("PEX", c.pex)
	}
	if o.rude {
		c.rude = newRude()
		c.sw.AddReactor("RUDE", c.rude)
	}
	if err := c.transport.Listen(*na); err != nil {
		return nil, err
	}
	return c, c.sw.Start()
}
