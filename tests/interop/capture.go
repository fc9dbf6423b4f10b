package main

// Captured vectors: what CometBFT sends in a whole session, as bytes off the wire with our secrets, and as its own code reads
// it. Written on request (run.sh --capture) to tests/data/captured, where tests/unit/test_captured.c reads it without Go.

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/pex"
	tmp2p "github.com/cometbft/cometbft/proto/tendermint/p2p"
)

// session is one connection as it is kept. Bytes are hex.
type session struct {
	Role         string                 `json:"role"`
	OurEphemeral string                 `json:"our_ephemeral_secret"`
	OurSeed      string                 `json:"our_node_key_seed"`
	TheirID      string                 `json:"their_id"`
	TheirPubkey  string                 `json:"their_pubkey"`
	Challenge    string                 `json:"challenge"`
	Auth         string                 `json:"auth_delimited"`
	NodeInfo     string                 `json:"node_info_delimited"`
	Info         map[string]interface{} `json:"node_info"`
	Packets      []keptPacket           `json:"packets"`
	Pex          []keptPex              `json:"pex"`
	Wire         []string               `json:"wire"` // all bytes that came: the ephemeral message, then a frame each
}

// keptPacket is one packet of the stream; keptPex a whole message of channel 0.
type keptPacket struct {
	Kind    string `json:"kind"`
	Channel int32  `json:"channel"`
	EOF     bool   `json:"eof"`
	Data    string `json:"data"`
}

type keptPex struct {
	Kind  string   `json:"kind"`
	Addrs []string `json:"addrs"`
}

func infoFields(raw []byte) (map[string]interface{}, error) {
	var pb tmp2p.DefaultNodeInfo
	if err := pb.Unmarshal(raw); err != nil {
		return nil, err
	}
	return map[string]interface{}{
		"p2p_version": pb.ProtocolVersion.P2P, "block_version": pb.ProtocolVersion.Block, "app_version": pb.ProtocolVersion.App,
		"id": pb.DefaultNodeID, "listen_addr": pb.ListenAddr, "network": pb.Network, "version": pb.Version,
		"channels": hex.EncodeToString(pb.Channels), "moniker": pb.Moniker, "tx_index": pb.Other.TxIndex, "rpc_address": pb.Other.RPCAddress,
	}, nil
}

// take reads packets until the connection ends; it answers pings and requests as it meets them.
func (r *recorder) take(s *session) error {
	var pexBytes []byte
	for {
		payload, err := r.hearDelimited()
		if err != nil {
			return nil // they have hung up
		}
		var p tmp2p.Packet
		if err := p.Unmarshal(payload); err != nil {
			return err
		}
		var kept keptPacket
		switch sum := p.Sum.(type) {
		case *tmp2p.Packet_PacketPing:
			kept.Kind = "ping"
			if err := r.send(tmp2p.Packet{Sum: &tmp2p.Packet_PacketPong{PacketPong: &tmp2p.PacketPong{}}}); err != nil {
				return nil
			}
		case *tmp2p.Packet_PacketPong:
			kept.Kind = "pong"
		case *tmp2p.Packet_PacketMsg:
			m := sum.PacketMsg
			kept = keptPacket{"msg", m.ChannelID, m.EOF, hex.EncodeToString(m.Data)}
			if m.ChannelID == int32(pex.PexChannel) {
				pexBytes = append(pexBytes, m.Data...)
			}
			if m.ChannelID == int32(pex.PexChannel) && m.EOF {
				if err := r.takePex(s, pexBytes); err != nil {
					return err
				}
				pexBytes = nil
			}
		}
		s.Packets = append(s.Packets, kept)
	}
}

func (r *recorder) takePex(s *session, raw []byte) error {
	var m tmp2p.Message
	if err := m.Unmarshal(raw); err != nil {
		return err
	}
	kept := keptPex{Kind: "request", Addrs: []string{}}
	if list := m.GetPexAddrs(); list != nil {
		kept.Kind = "addrs"
		for _, a := range list.Addrs {
			kept.Addrs = append(kept.Addrs, fmt.Sprintf("%s@%s:%d", a.ID, a.IP, a.Port))
		}
		s.Pex = append(s.Pex, kept)
		return nil
	}
	s.Pex = append(s.Pex, kept)
	return r.tell(pex.PexChannel, listOf("127.0.0.9", 26656).Wrap())
}

// connectRecorder lets either side dial.
func connectRecorder(r *recorder, c *comet, theyDial bool) (net.Conn, error) {
	if !theyDial {
		return net.Dial("tcp", c.addr.DialString())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	go func() { _ = c.dial(r.id() + "@" + l.Addr().String()) }()
	return l.Accept()
}

// speak is what happens in a session: pings both ways, a request of ours, messages of theirs, and their flush stop.
func speak(r *recorder, c *comet) error {
	if !c.probe.wait(10*time.Second, func() bool { return len(c.probe.added) == 1 }) {
		return fmt.Errorf("they did not add the recorder")
	}
	if err := r.send(tmp2p.Packet{Sum: &tmp2p.Packet_PacketPing{PacketPing: &tmp2p.PacketPing{}}}); err != nil {
		return err
	}
	if err := r.tell(pex.PexChannel, (&tmp2p.PexRequest{}).Wrap()); err != nil {
		return err
	}
	peer := c.sw.Peers().Get(r.peerID())
	if peer == nil {
		return fmt.Errorf("they removed the recorder: %s", c.probe.whyRemoved(r.id()))
	}
	for i, size := range []int{1, 1023, 1024, 1025, 3000} {
		peer.Send(p2p.Envelope{ChannelID: []byte{0x70, 0x71, 0x72}[i%3], Message: &raw{pattern(size, i)}})
	}
	time.Sleep(1200 * time.Millisecond) // a ping of theirs
	peer.FlushStop()
	c.sw.StopPeerGracefully(peer)
	return nil
}

func captureSession(dir string, theyDial bool, eph, seed byte) (*session, error) {
	c, err := newComet(dir, fresh(), options{pex: true, knows: addresses(40), ping: time.Second, pong: 900 * time.Millisecond,
		moniker: "one of CometBFT's own, recorded", app: 3, rpc: "tcp://127.0.0.1:26657"})
	if err != nil {
		return nil, err
	}
	defer c.stop()
	r, err := newRecorder(eph, seed)
	if err != nil {
		return nil, err
	}
	conn, err := connectRecorder(r, c, theyDial)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := r.upgrade(conn); err != nil {
		return nil, err
	}
	s := &session{Role: "they listen", OurEphemeral: hex.EncodeToString(r.secret), OurSeed: hex.EncodeToString(r.seed),
		TheirID: c.id(), TheirPubkey: hex.EncodeToString(c.key.PubKey().Bytes()), Challenge: hex.EncodeToString(r.challenge),
		Auth: hex.EncodeToString(delimited(r.auth)), NodeInfo: hex.EncodeToString(delimited(r.info))}
	if theyDial {
		s.Role = "they dial"
	}
	if s.Info, err = infoFields(r.info); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- speak(r, c) }()
	if err := r.take(s); err != nil {
		return nil, err
	}
	s.cutWire(r.tape.heard.Bytes())
	return s, <-ended
}

// cutWire keeps the bytes a frame a line.
func (s *session) cutWire(all []byte) {
	text := hex.EncodeToString(all)
	s.Wire = []string{text[:70]}
	for text = text[70:]; text != ""; text = text[min(len(text), 2*frameWire):] {
		s.Wire = append(s.Wire, text[:min(len(text), 2*frameWire)])
	}
}

// capture writes the sessions of this version.
func capture(out string) error {
	dir, err := os.MkdirTemp("", "interop")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	listens, err := captureSession(dir, false, 0x00, 0x40)
	if err != nil {
		return err
	}
	dials, err := captureSession(dir, true, 0x20, 0x60)
	if err != nil {
		return err
	}
	all := map[string]interface{}{"comet": cometVersion, "sessions": []*session{listens, dials}}
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	name := "comet-" + strings.TrimPrefix(cometVersion, "v") + ".json"
	return os.WriteFile(filepath.Join(out, name), append(text, '\n'), 0o644)
}
