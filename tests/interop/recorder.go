package main

// Our side of one connection with fixed secrets, so that what CometBFT sends over it can be recorded and opened again later. It is
// an intruder that behaves.

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"net"
	"sync"

	"github.com/cosmos/gogoproto/proto"

	"github.com/cometbft/cometbft/p2p"
	tmp2p "github.com/cometbft/cometbft/proto/tendermint/p2p"
)

// taped is a connection that keeps every byte that it reads.
type taped struct {
	net.Conn
	heard bytes.Buffer
}

func (t *taped) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.heard.Write(b[:n])
	return n, err
}

type recorder struct {
	*intruder
	secret, seed []byte // of the ephemeral key and of the node key
	tape         *taped
	writing      sync.Mutex
}

// newRecorder has secrets that count from these bytes.
func newRecorder(secret, seed byte) (*recorder, error) {
	r := &recorder{intruder: newIntruder("", "", "")}
	for i := byte(0); i < 32; i++ {
		r.secret, r.seed = append(r.secret, secret+i), append(r.seed, seed+i)
	}
	eph, err := ecdh.X25519().NewPrivateKey(r.secret)
	if err != nil {
		return nil, err
	}
	r.eph, r.mine, r.key = eph, eph.PublicKey().Bytes(), ed25519.NewKeyFromSeed(r.seed)
	return r, nil
}

// upgrade does the whole handshake on a connection that is open.
func (r *recorder) upgrade(conn net.Conn) error {
	r.tape = &taped{Conn: conn}
	r.c = r.tape
	r.put(ephemeral(r.mine))
	if err := r.keys(); err != nil {
		return err
	}
	r.say(r.honestAuth())
	if err := r.hearAuth(); err != nil {
		return err
	}
	info := r.nodeInfo()
	info.ListenAddr, info.Moniker = "127.0.0.9:26656", "recorder"
	r.say(delimited(encodeInfo(info)))
	return r.hearInfo()
}

func (r *recorder) peerID() p2p.ID { return p2p.ID(r.id()) }

// send seals one packet; the readers of a session answer while it speaks.
func (r *recorder) send(p tmp2p.Packet) error {
	raw, err := p.Marshal()
	if err != nil {
		return err
	}
	r.writing.Lock()
	defer r.writing.Unlock()
	r.say(delimited(raw))
	return nil
}

// tell sends a message that fits one packet.
func (r *recorder) tell(channel byte, m proto.Message) error {
	raw, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	return r.send(tmp2p.Packet{Sum: &tmp2p.Packet_PacketMsg{PacketMsg: &tmp2p.PacketMsg{ChannelID: int32(channel), EOF: true, Data: raw}}})
}
