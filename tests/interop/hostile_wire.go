package main

// A dialler that can do every step of the protocol wrong: the secret connection by hand over a raw socket, or CometBFT's own once
// the attack begins behind it. Nothing here checks what the other side should have checked.

import (
	"bytes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	cmted "github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"
	"github.com/cometbft/cometbft/version"
	"github.com/oasisprotocol/curve25519-voi/primitives/merlin"
	"golang.org/x/crypto/chacha20poly1305"
)

const (
	chunkMax   = 1024
	framePlain = 4 + chunkMax
	frameWire  = framePlain + 16
	slow       = 20 * time.Second // nothing honest takes so long, even on a busy machine
)

// uv is a protobuf varint; field is a length-delimited field, number a varint field, delimited a message with its length.
func uv(n uint64) []byte { return binary.AppendUvarint(nil, n) }

func field(n uint64, b []byte) []byte { return join(uv(n<<3|2), uv(uint64(len(b))), b) }

func delimited(b []byte) []byte { return join(uv(uint64(len(b))), b) }

func number(n, value uint64) []byte { return join(uv(n<<3), uv(value)) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// packetOf is one delimited PacketMsg.
func packetOf(channel byte, eof bool, data []byte) []byte {
	var body []byte
	if channel != 0 {
		body = number(1, uint64(channel))
	}
	if eof {
		body = join(body, number(2, 1))
	}
	return delimited(field(3, join(body, field(3, data))))
}

// message is a whole message in packets of 1,024 bytes.
func message(channel byte, data []byte) []byte {
	var out []byte
	for len(data) > chunkMax {
		out = append(out, packetOf(channel, false, data[:chunkMax])...)
		data = data[chunkMax:]
	}
	return append(out, packetOf(channel, true, data)...)
}

var pingPacket, pongPacket = delimited(field(1, nil)), delimited(field(2, nil))

// intruder is one connection to the target, from an address of its own.
type intruder struct {
	target string // host:port
	home   string // the target's, for its key
	ip     string // our end
	c      net.Conn
	key    ed25519.PrivateKey
	eph    *ecdh.PrivateKey
	mine   []byte // the ephemeral key as we send it
	theirs []byte
	real   *conn.SecretConnection
	seal   cipher.AEAD
	open   cipher.AEAD
	sealed uint64 // frames so far
	opened uint64
	plain  []byte // received and not yet looked at
	heard  int    // raw bytes received
	begun  time.Time
	after  func() error // what must still hold when the row is over

	challenge []byte
	auth      []byte // their AuthSigMessage
	info      []byte // their node info
}

func newIntruder(target, home, ip string) *intruder {
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	eph, _ := ecdh.X25519().GenerateKey(rand.Reader)
	return &intruder{target: target, home: home, ip: ip, key: key, eph: eph, mine: eph.PublicKey().Bytes()}
}

func idOf(pub ed25519.PublicKey) string {
	sum := sha256.Sum256(pub)
	return fmt.Sprintf("%x", sum[:20])
}

func (x *intruder) pub() []byte { return x.key.Public().(ed25519.PublicKey) }
func (x *intruder) id() string  { return idOf(x.pub()) }

// Read and Write make an intruder the connection that CometBFT's SecretConnection runs over.
func (x *intruder) Read(b []byte) (int, error) {
	n, err := x.c.Read(b)
	x.heard += n
	return n, err
}

func (x *intruder) Write(b []byte) (int, error) { return x.c.Write(b) }
func (x *intruder) Close() error                { return x.c.Close() }

// dial connects; the kernel answers, also when the target does not accept yet.
func (x *intruder) dial() error {
	x.begun = time.Now()
	d := net.Dialer{Timeout: slow, LocalAddr: &net.TCPAddr{IP: net.ParseIP(x.ip)}}
	c, err := d.Dial("tcp", x.target)
	if err != nil {
		return err
	}
	x.c = c
	_ = c.SetDeadline(time.Now().Add(slow))
	return nil
}

// put writes; that the target hangs up meanwhile is for the observer to see.
func (x *intruder) put(parts ...[]byte) { _, _ = x.c.Write(join(parts...)) }

// ephemeral is the first message with this key.
func ephemeral(key []byte) []byte { return delimited(field(1, key)) }

// hearEphemeral takes the target's first message.
func (x *intruder) hearEphemeral() error {
	first := make([]byte, 35)
	if _, err := io.ReadFull(x, first); err != nil {
		return fmt.Errorf("their ephemeral key: %w", err)
	}
	if !bytes.Equal(first[:3], []byte{34, 0x0a, 32}) {
		return fmt.Errorf("their ephemeral message begins with %x", first[:3])
	}
	x.theirs = first[3:]
	return nil
}

// agree derives the keys from what crossed; x.mine enters the transcript as it was sent.
func (x *intruder) agree() error {
	remote, err := ecdh.X25519().NewPublicKey(x.theirs)
	if err != nil {
		return err
	}
	secret, err := x.eph.ECDH(remote)
	if err != nil {
		return err
	}
	okm, err := hkdf.Key(sha256.New, secret, nil, "TENDERMINT_SECRET_CONNECTION_KEY_AND_CHALLENGE_GEN", 96)
	if err != nil {
		return err
	}
	lo, hi, recv, send := x.mine, x.theirs, okm[:32], okm[32:64]
	if bytes.Compare(lo, hi) > 0 {
		lo, hi, recv, send = hi, lo, send, recv
	}
	x.open, _ = chacha20poly1305.New(recv)
	x.seal, _ = chacha20poly1305.New(send)
	t := merlin.NewTranscript("TENDERMINT_SECRET_CONNECTION_TRANSCRIPT_HASH")
	t.AppendMessage("EPHEMERAL_LOWER_PUBLIC_KEY", lo)
	t.AppendMessage("EPHEMERAL_UPPER_PUBLIC_KEY", hi)
	t.AppendMessage("DH_SECRET", secret)
	x.challenge = make([]byte, 32)
	t.ExtractBytes(x.challenge, "SECRET_CONNECTION_MAC")
	return nil
}

func nonce(n uint64) []byte { return binary.LittleEndian.AppendUint64(make([]byte, 4), n) }

// frameOf seals a plaintext frame with any length in front and any bytes behind.
func (x *intruder) frameOf(length uint32, body []byte) []byte {
	plain := make([]byte, framePlain)
	binary.LittleEndian.PutUint32(plain, length)
	copy(plain[4:], body)
	x.sealed++
	return x.seal.Seal(nil, nonce(x.sealed-1), plain, nil)
}

func (x *intruder) frame(chunk []byte) []byte { return x.frameOf(uint32(len(chunk)), chunk) }

// frames are as many as the bytes need.
func (x *intruder) frames(b []byte) []byte {
	var out []byte
	for len(b) > chunkMax {
		out = append(out, x.frame(b[:chunkMax])...)
		b = b[chunkMax:]
	}
	return append(out, x.frame(b)...)
}

// say sends plaintext through the secret connection, whichever it is.
func (x *intruder) say(parts ...[]byte) {
	if x.real != nil {
		_, _ = x.real.Write(join(parts...))
	} else if x.seal != nil {
		x.put(x.frames(join(parts...)))
	}
}

// hear takes n bytes of plaintext.
func (x *intruder) hear(n int) ([]byte, error) {
	for len(x.plain) < n {
		if x.real != nil {
			chunk := make([]byte, chunkMax)
			got, err := x.real.Read(chunk)
			if err != nil {
				return nil, err
			}
			x.plain = append(x.plain, chunk[:got]...)
			continue
		}
		if x.open == nil {
			return nil, errors.New("there are no keys")
		}
		wire := make([]byte, frameWire)
		if _, err := io.ReadFull(x, wire); err != nil {
			return nil, err
		}
		plain, err := x.open.Open(nil, nonce(x.opened), wire, nil)
		if err != nil {
			return nil, err
		}
		x.opened++
		x.plain = append(x.plain, plain[4:4+binary.LittleEndian.Uint32(plain)]...)
	}
	out := x.plain[:n]
	x.plain = x.plain[n:]
	return out, nil
}

// hearDelimited takes a message with its length in front.
func (x *intruder) hearDelimited() ([]byte, error) {
	var head []byte
	for {
		b, err := x.hear(1)
		if err != nil {
			return nil, err
		}
		head = append(head, b[0])
		if b[0] < 0x80 {
			break
		}
	}
	n, used := binary.Uvarint(head)
	if used <= 0 || n > 1<<21 {
		return nil, fmt.Errorf("the target sends a length of %x", head)
	}
	return x.hear(int(n))
}

// authOf is an AuthSigMessage; keyType 1 is ed25519.
func authOf(keyType uint64, pub, sig []byte) []byte {
	return delimited(join(field(1, field(keyType, pub)), field(2, sig)))
}

func (x *intruder) honestAuth() []byte { return authOf(1, x.pub(), ed25519.Sign(x.key, x.challenge)) }

// toKeys dials and goes as far as the first sealed frame.
func (x *intruder) toKeys() error {
	if err := x.dial(); err != nil {
		return err
	}
	x.put(ephemeral(x.mine))
	return x.keys()
}

func (x *intruder) keys() error {
	if err := x.hearEphemeral(); err != nil {
		return err
	}
	return x.agree()
}

// toInfo goes as far as the node infos; the target has proved its key then.
func (x *intruder) toInfo() error {
	if err := x.toKeys(); err != nil {
		return err
	}
	x.say(x.honestAuth())
	return x.hearAuth()
}

func (x *intruder) hearAuth() (err error) {
	x.auth, err = x.hearDelimited()
	if err != nil {
		return fmt.Errorf("their authentication: %w", err)
	}
	return nil
}

func (x *intruder) hearInfo() (err error) {
	x.info, err = x.hearDelimited()
	if err != nil {
		return fmt.Errorf("their node info: %w", err)
	}
	return nil
}

// nodeInfo is what an honest node of this network says of itself.
func (x *intruder) nodeInfo() p2p.DefaultNodeInfo {
	return p2p.DefaultNodeInfo{
		ProtocolVersion: p2p.NewProtocolVersion(version.P2PProtocol, version.BlockProtocol, 0),
		DefaultNodeID:   p2p.ID(x.id()),
		ListenAddr:      x.ip + ":26656",
		Network:         "interop",
		Version:         version.TMCoreSemVer,
		Channels:        []byte{0x70, 0x71, 0x72, 0xf0, 0x00},
		Moniker:         "intruder",
		Other:           p2p.DefaultNodeInfoOther{TxIndex: "on"},
	}
}

func encodeInfo(info p2p.DefaultNodeInfo) []byte {
	b, err := info.ToProto().Marshal()
	if err != nil {
		panic(err)
	}
	return b
}

// toPeer is the whole honest upgrade by hand.
func (x *intruder) toPeer() error {
	if err := x.toInfo(); err != nil {
		return err
	}
	x.say(delimited(encodeInfo(x.nodeInfo())))
	return x.hearInfo()
}

// toRealPeer is the upgrade over CometBFT's SecretConnection.
func (x *intruder) toRealPeer() error {
	if err := x.dial(); err != nil {
		return err
	}
	return x.upgradeReal()
}

func (x *intruder) upgradeReal() error {
	sc, err := conn.MakeSecretConnection(x, cmted.PrivKey(x.key))
	if err != nil {
		return err
	}
	x.real = sc
	x.say(delimited(encodeInfo(x.nodeInfo())))
	return x.hearInfo()
}

// heardPacket is one packet from the target.
type heardPacket struct {
	kind    byte // 1 ping, 2 pong, 3 message
	channel byte
	eof     bool
	data    []byte
}

// hearPacket takes one packet; the target's are canonical, and nothing else is understood.
func (x *intruder) hearPacket() (heardPacket, error) {
	b, err := x.hearDelimited()
	if err != nil {
		return heardPacket{}, err
	}
	if len(b) < 2 || b[0]&7 != 2 {
		return heardPacket{}, fmt.Errorf("the target sends the packet %x", b)
	}
	p := heardPacket{kind: b[0] >> 3}
	_, n := binary.Uvarint(b[1:])
	for b = b[1+n:]; len(b) > 0; {
		tag := b[0]
		value, n := binary.Uvarint(b[1:])
		b = b[1+n:]
		switch tag {
		case 0x08:
			p.channel = byte(value)
		case 0x10:
			p.eof = value != 0
		case 0x1a:
			p.data, b = b[:value], b[value:]
		default:
			return p, fmt.Errorf("the target sends the tag %#x", tag)
		}
	}
	return p, nil
}

// hearMessage takes packets until one message of this channel is whole; pings are answered, the rest is left aside.
func (x *intruder) hearMessage(channel byte) ([]byte, error) {
	var whole []byte
	for {
		p, err := x.hearPacket()
		if err != nil {
			return nil, err
		}
		if p.kind == 1 {
			x.say(pongPacket)
		}
		if p.kind != 3 || p.channel != channel {
			continue
		}
		whole = append(whole, p.data...)
		if p.eof {
			return whole, nil
		}
	}
}

// echoed sends a message and waits until it comes back.
func (x *intruder) echoed(channel byte, data []byte) error {
	x.say(message(channel, data))
	back, err := x.hearMessage(channel)
	if err != nil {
		return fmt.Errorf("the echo: %w", err)
	}
	if !bytes.Equal(back, data) {
		return fmt.Errorf("%d bytes came back as %d others", len(data), len(back))
	}
	return nil
}

// answered tells whether a ping is answered: the connection is alive and its packets are in order.
func (x *intruder) answered() error {
	_ = x.c.SetDeadline(time.Now().Add(slow))
	x.say(pingPacket)
	for {
		p, err := x.hearPacket()
		if err != nil {
			return fmt.Errorf("no pong: %w", err)
		}
		if p.kind == 2 {
			return nil
		}
	}
}

// gone reads until the target hangs up, at most until then. It returns how long the connection lasted.
func (x *intruder) gone(until time.Duration) (time.Duration, error) {
	_ = x.c.SetReadDeadline(x.begun.Add(until))
	buf := make([]byte, 1<<16)
	for {
		n, err := x.c.Read(buf)
		x.heard += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return time.Since(x.begun), fmt.Errorf("still open after %.1f s", until.Seconds())
		}
		if err != nil {
			return time.Since(x.begun), nil
		}
	}
}

// explained tells whether the target said more than an upgrade has to say: nothing may explain a refusal.
func (x *intruder) explained() bool {
	return x.heard != 0 && (x.heard-35)%frameWire != 0 || x.heard > 35+3*frameWire
}

// stolenKey is the target's own key, out of its home.
func (x *intruder) stolenKey() (ed25519.PrivateKey, error) {
	key, err := p2p.LoadNodeKey(x.home + "/config/node_key.json")
	if err != nil {
		return nil, err
	}
	return ed25519.PrivateKey(key.PrivKey.Bytes()), nil
}
