package main

// A reactor of CometBFT's switch that speaks PEX as its owner likes, and keeps what it hears.

import (
	"sync"

	"github.com/cosmos/gogoproto/proto"

	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"
	"github.com/cometbft/cometbft/p2p/pex"
	tmp2p "github.com/cometbft/cometbft/proto/tendermint/p2p"
)

// rude is the reactor; requests and lists are what it was sent.
type rude struct {
	p2p.BaseReactor
	mtx      sync.Mutex
	requests int
	lists    [][]tmp2p.NetAddress
}

func newRude() *rude {
	r := &rude{}
	r.BaseReactor = *p2p.NewBaseReactor("RUDE", r)
	return r
}

func (r *rude) GetChannels() []*conn.ChannelDescriptor {
	return []*conn.ChannelDescriptor{{ID: pex.PexChannel, Priority: 1, SendQueueCapacity: 40,
		RecvMessageCapacity: 64000, MessageType: &tmp2p.Message{}}}
}

func (r *rude) AddPeer(p2p.Peer) {}

func (r *rude) RemovePeer(p2p.Peer, interface{}) {}

func (r *rude) Receive(e p2p.Envelope) {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	switch m := e.Message.(type) {
	case *tmp2p.PexRequest:
		r.requests++
	case *tmp2p.PexAddrs:
		r.lists = append(r.lists, m.Addrs)
	}
}

func (r *rude) numRequests() int {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	return r.requests
}

func (r *rude) numLists() int {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	return len(r.lists)
}

func (r *rude) list(i int) []tmp2p.NetAddress {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	return r.lists[i]
}

// utter sends a PEX message to our node.
func (c *comet) utter(n *ours, m proto.Message) bool {
	peer := c.sw.Peers().Get(p2p.ID(n.id()))
	return peer != nil && peer.Send(p2p.Envelope{ChannelID: pex.PexChannel, Message: m})
}
