package main

// Our side of one connection with fixed secrets, so that what CometBFT sends over it can be recorded and opened again later.

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/oasisprotocol/curve25519-voi/primitives/merlin"
	"golang.org/x/crypto/chacha20poly1305"

	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/p2p"
	tmp2p "github.com/cometbft/cometbft/proto/tendermint/p2p"
)

// recorder keeps every byte that it read.
type recorder struct {
	conn         net.Conn
	eph, seed    [32]byte
	wire         bytes.Buffer // what came, as it came
	plain        []byte       // opened, and not taken yet
	recv, send   []byte       // keys
	recvN, sendN uint64
	writing      sync.Mutex
	challenge    [32]byte
}

// newRecorder has secrets that count from these bytes.
func newRecorder(eph, seed byte) *recorder {
	r := &recorder{}
	for i := range r.eph {
		r.eph[i], r.seed[i] = eph+byte(i), seed+byte(i)
	}
	return r
}

func (r *recorder) key() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(r.seed[:]) }

func (r *recorder) id() p2p.ID {
	return p2p.PubKeyToID(cmted25519.PubKey(r.key().Public().(ed25519.PublicKey)))
}

func (r *recorder) read(n int) ([]byte, error) {
	b := make([]byte, n)
	got, err := io.ReadFull(r.conn, b)
	r.wire.Write(b[:got])
	return b, err
}

// exchange crosses the ephemeral keys and derives everything from them.
func (r *recorder) exchange() error {
	priv, err := ecdh.X25519().NewPrivateKey(r.eph[:])
	if err != nil {
		return err
	}
	ours := priv.PublicKey().Bytes()
	if _, err := r.conn.Write(append([]byte{0x22, 0x0a, 0x20}, ours...)); err != nil {
		return err
	}
	message, err := r.read(35)
	if err != nil {
		return err
	}
	theirs, err := ecdh.X25519().NewPublicKey(message[3:])
	if err != nil {
		return err
	}
	shared, err := priv.ECDH(theirs)
	if err != nil {
		return err
	}
	return r.derive(ours, message[3:], shared)
}

func (r *recorder) derive(ours, theirs, shared []byte) error {
	okm, err := hkdf.Key(sha256.New, shared, nil, "TENDERMINT_SECRET_CONNECTION_KEY_AND_CHALLENGE_GEN", 96)
	if err != nil {
		return err
	}
	lo, hi := ours, theirs
	r.recv, r.send = okm[:32], okm[32:64]
	if bytes.Compare(ours, theirs) > 0 {
		lo, hi = theirs, ours
		r.recv, r.send = okm[32:64], okm[:32]
	}
	t := merlin.NewTranscript("TENDERMINT_SECRET_CONNECTION_TRANSCRIPT_HASH")
	t.AppendMessage("EPHEMERAL_LOWER_PUBLIC_KEY", lo)
	t.AppendMessage("EPHEMERAL_UPPER_PUBLIC_KEY", hi)
	t.AppendMessage("DH_SECRET", shared)
	t.ExtractBytes(r.challenge[:], "SECRET_CONNECTION_MAC")
	return nil
}

func frameNonce(n uint64) []byte { return binary.LittleEndian.AppendUint64(make([]byte, 4), n) }

// write seals bytes of up to 1,024 into one frame.
func (r *recorder) write(b []byte) error {
	if len(b) > chunkMax {
		return errors.New("the recorder sends one frame at a time")
	}
	aead, err := chacha20poly1305.New(r.send)
	if err != nil {
		return err
	}
	r.writing.Lock()
	defer r.writing.Unlock()
	frame := make([]byte, framePlain)
	binary.LittleEndian.PutUint32(frame, uint32(len(b)))
	copy(frame[4:], b)
	_, err = r.conn.Write(aead.Seal(nil, frameNonce(r.sendN), frame, nil))
	r.sendN++
	return err
}

// readFrame opens the next frame and adds its bytes to the stream.
func (r *recorder) readFrame() error {
	sealed, err := r.read(frameWire)
	if err != nil {
		return err
	}
	aead, err := chacha20poly1305.New(r.recv)
	if err != nil {
		return err
	}
	frame, err := aead.Open(nil, frameNonce(r.recvN), sealed, nil)
	if err != nil {
		return err
	}
	r.recvN++
	n := binary.LittleEndian.Uint32(frame)
	if n > chunkMax {
		return fmt.Errorf("a frame of %d bytes", n)
	}
	r.plain = append(r.plain, frame[4:4+n]...)
	return nil
}

// next takes one delimited message off the stream, the delimiter included.
func (r *recorder) next() ([]byte, []byte, error) {
	for {
		if size, n := binary.Uvarint(r.plain); n > 0 && uint64(len(r.plain)-n) >= size {
			whole := r.plain[:n+int(size)]
			r.plain = r.plain[len(whole):]
			return whole, whole[n:], nil
		}
		if err := r.readFrame(); err != nil {
			return nil, nil, err
		}
	}
}

// upgrade does the whole handshake; it returns their authentication and node info as they stood on the stream.
func (r *recorder) upgrade(info p2p.DefaultNodeInfo) (auth, nodeInfo []byte, err error) {
	if err := r.exchange(); err != nil {
		return nil, nil, err
	}
	pub := r.key().Public().(ed25519.PublicKey)
	ours := append([]byte{0x66, 0x0a, 0x22, 0x0a, 0x20}, pub...)
	ours = append(append(ours, 0x12, 0x40), ed25519.Sign(r.key(), r.challenge[:])...)
	if err := r.write(ours); err != nil {
		return nil, nil, err
	}
	if auth, _, err = r.next(); err != nil {
		return nil, nil, err
	}
	raw, err := info.ToProto().Marshal()
	if err != nil {
		return nil, nil, err
	}
	if err := r.write(delimited(raw)); err != nil {
		return nil, nil, err
	}
	nodeInfo, _, err = r.next()
	return auth, nodeInfo, err
}

// packet seals one packet.
func (r *recorder) packet(p tmp2p.Packet) error {
	raw, err := p.Marshal()
	if err != nil {
		return err
	}
	return r.write(delimited(raw))
}
