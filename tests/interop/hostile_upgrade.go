package main

// Attacks on the upgrade: protocol.md section 2.

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cometbft/cometbft/p2p"
)

var upgradeRows = slices.Concat(phaseRows, ephemeralRows, lowOrderRows(), authRows, tableRows, infoRows())

// bytesFirst dials and sends these bytes as they are.
func bytesFirst(parts ...[]byte) func(*intruder) error {
	return func(x *intruder) error {
		if err := x.dial(); err != nil {
			return err
		}
		x.put(parts...)
		return nil
	}
}

// trickle sends one byte every now and then, for longer than any phase lasts.
func (x *intruder) trickle(b []byte) {
	for len(b) > 0 && time.Since(x.begun) < 3*phaseTimeout {
		if _, err := x.c.Write(b[:1]); err != nil {
			return
		}
		b = b[1:]
		time.Sleep(300 * time.Millisecond)
	}
}

// halfClosed ends our direction; a peer that is not there any more is no peer.
func (x *intruder) halfClosed() {
	if half, ok := x.c.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}

var timedOut = "peer_handshake_timeout"

func late(rule, what string, attack func(*intruder) error) row {
	return differ(rule, what, "D-09", shutAfter(timedOut, phaseTimeout, phaseTimeout+slow), shutAfter(timedOut, upstreamWait, upstreamWait+slow),
		attack)
}

// phaseRows: each phase has its time, and a peer may leave in each.
var phaseRows = []row{
	late("2.1/4", "nothing is sent", bytesFirst()),
	late("2.1/4", "the ephemeral key comes byte by byte", func(x *intruder) error {
		err := x.dial()
		if err == nil {
			x.trickle(ephemeral(x.mine))
		}
		return err
	}),
	late("2.1/4", "the ephemeral key, then nothing", func(x *intruder) error { return x.toKeys() }),
	late("2.1/4", "half a frame of authentication, then nothing", func(x *intruder) error {
		err := x.toKeys()
		if err == nil {
			x.put(x.frame(x.honestAuth())[:500])
		}
		return err
	}),
	late("2.1/4", "authentication byte by byte", func(x *intruder) error {
		err := x.toKeys()
		if err == nil {
			x.trickle(x.frame(x.honestAuth()))
		}
		return err
	}),
	late("2.1/6", "no node info", func(x *intruder) error { return x.toInfo() }),
	late("2.1/6", "the node info byte by byte", func(x *intruder) error {
		err := x.toInfo()
		if err == nil {
			x.trickle(x.frames(delimited(encodeInfo(x.nodeInfo()))))
		}
		return err
	}),
	late("2.1/6", "a node info announced and never finished", func(x *intruder) error {
		err := x.toInfo()
		if err == nil {
			x.say(uv(200), []byte{0x0a})
		}
		return err
	}),
	both("2.1/4", "hangs up before the ephemeral key", shut("peer_closed|peer_reset"), func(x *intruder) error {
		err := x.dial()
		if err == nil {
			x.halfClosed()
		}
		return err
	}),
	both("2.1/4", "hangs up within the ephemeral key", shut("peer_closed|peer_reset"), func(x *intruder) error {
		err := x.dial()
		if err == nil {
			x.put(ephemeral(x.mine)[:20])
			x.halfClosed()
		}
		return err
	}),
	both("2.1/4", "hangs up after the ephemeral key", shut("peer_closed|peer_reset"), func(x *intruder) error {
		err := x.toKeys()
		if err == nil {
			x.halfClosed()
		}
		return err
	}),
	both("2.1/6", "hangs up in place of a node info", shut("peer_closed|peer_reset"), func(x *intruder) error {
		err := x.toInfo()
		if err == nil {
			x.halfClosed()
		}
		return err
	}),
}

// ephemeralRows: delimiters and protobuf (2.2), the first message (2.4.1).
var ephemeralRows = []row{
	both("2.2", "HTTP in place of the ephemeral key", shut("peer_bad_ephemeral|peer_low_order"), bytesFirst([]byte("GET / HTTP/1.1\r\nHost: example.org\r\nUser-Agent: none\r\nAccept: */*\r\nConnection: close\r\n\r\n"))),
	both("2.2", "TLS in place of the ephemeral key", shut("peer_bad_ephemeral"), bytesFirst([]byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03,
		0x03}, bytes.Repeat([]byte{7}, 200))),
	both("2.2", "a delimiter of eleven bytes", shut("peer_bad_ephemeral"), bytesFirst(bytes.Repeat([]byte{0xff}, 11), make([]byte, 40))),
	both("2.2", "a delimiter over 64 bits", shut("peer_bad_ephemeral"), bytesFirst(bytes.Repeat([]byte{0xff}, 9), []byte{0x7f}, make([]byte, 40))),
	both("2.2", "a delimiter of 2^63 - 1", shut("peer_bad_ephemeral"), bytesFirst(uv(1<<63-1), make([]byte, 40))),
	both("2.2", "a message of 1 MiB and a byte", shut("peer_bad_ephemeral"), bytesFirst(uv(1<<20+1), make([]byte, 40))),
	both("2.2", "a field of the wrong wire type", shut("peer_bad_ephemeral"), bytesFirst(delimited(number(1, 5)))),
	both("2.2", "a field with number 0", shut("peer_bad_ephemeral"), bytesFirst(delimited([]byte{0x02, 0x01, 0x00}))),
	both("2.2", "a field longer than the message", shut("peer_bad_ephemeral"), bytesFirst(delimited([]byte{0x0a, 0x30, 1, 2, 3}))),
	both("2.2", "wire type 7", shut("peer_bad_ephemeral"), bytesFirst(delimited([]byte{0x0f, 0x01}))),
	both("2.2", "a group that does not end", shut("peer_bad_ephemeral"), bytesFirst(delimited([]byte{0x1b, 0x08, 0x01}))),
	differ("2.2", "an empty message: no key at all", "D-08", shut("peer_bad_ephemeral"), shut("peer_low_order"), bytesFirst([]byte{0})),
	both("2.2", "a delimiter that is not minimal", kept, func(x *intruder) error {
		return x.begunWith([]byte{0xa2, 0x80, 0x00}, ephemeral(x.mine)[1:])
	}),
	both("2.2", "unknown fields and a group around the key", kept, func(x *intruder) error {
		return x.begunWith(delimited(join(number(9, 77), field(1, x.mine), []byte{0x1b, 0x08, 0x01, 0x1c}, field(12, make([]byte, 300)))))
	}),
	both("2.2", "the key twice: the last one counts", kept, func(x *intruder) error {
		return x.begunWith(delimited(join(field(1, make([]byte, 32)), field(1, x.mine))))
	}),
	both("2.2", "the whole upgrade in one byte a write", kept, func(x *intruder) error {
		if err := x.dial(); err != nil {
			return err
		}
		for _, b := range ephemeral(x.mine) {
			x.put([]byte{b})
		}
		if err := x.keys(); err != nil {
			return err
		}
		for _, b := range join(x.frame(x.honestAuth()), x.frame(delimited(encodeInfo(x.nodeInfo())))) {
			x.put([]byte{b})
		}
		if err := x.hearAuth(); err != nil {
			return err
		}
		return x.hearInfo()
	}),
	both("2.4.1", "all that an honest one says, without waiting for answers", kept, func(x *intruder) error {
		if err := x.toKeys(); err != nil {
			return err
		}
		x.say(x.honestAuth(), delimited(encodeInfo(x.nodeInfo())), pingPacket)
		if err := x.hearAuth(); err != nil {
			return err
		}
		return x.hearInfo()
	}),
	differ("2.4.1", "a key of 31 bytes", "D-08", shut("peer_bad_ephemeral"), kept, func(x *intruder) error {
		return x.oddKey(31)
	}),
	differ("2.4.1", "a key of 33 bytes", "D-08", shut("peer_bad_ephemeral"), kept, func(x *intruder) error {
		return x.oddKey(33)
	}),
	both("2.4.2", "their own key back: frames return as they came", shut("peer_bad_frame|peer_bad_ephemeral"), func(x *intruder) error {
		if err := x.dial(); err != nil {
			return err
		}
		if err := x.hearEphemeral(); err != nil {
			return err
		}
		x.put(ephemeral(x.theirs))
		wire := make([]byte, frameWire)
		for n := 0; n < frameWire; {
			got, err := x.Read(wire[n:])
			if err != nil {
				return nil // they hung up on the key already
			}
			n += got
		}
		x.put(wire)
		return nil
	}),
	both("2.4.2", "a key with the highest bit set", kept, func(x *intruder) error {
		x.mine = append([]byte(nil), x.mine...)
		x.mine[31] |= 0x80
		return x.toPeer()
	}),
}

// begunWith upgrades honestly after these first bytes, which hold x.mine.
func (x *intruder) begunWith(parts ...[]byte) error {
	if err := x.dial(); err != nil {
		return err
	}
	x.put(parts...)
	if err := x.keys(); err != nil {
		return err
	}
	return x.fromKeys()
}

func (x *intruder) fromKeys() error {
	x.say(x.honestAuth())
	if err := x.hearAuth(); err != nil {
		return err
	}
	x.say(delimited(encodeInfo(x.nodeInfo())))
	return x.hearInfo()
}

// oddKey sends a key of 31 or 33 bytes. Who pads the one with a zero and cuts the other has our key: ours ends with a zero where
// it is sent without it.
func (x *intruder) oddKey(n int) error {
	for n < 32 && x.mine[31] != 0 {
		fresh := newIntruder(x.target, x.home, x.ip)
		x.eph, x.mine = fresh.eph, fresh.mine
	}
	if err := x.dial(); err != nil {
		return err
	}
	x.put(ephemeral(append(append([]byte(nil), x.mine...), 0xee)[:n]))
	if x.keys() == nil {
		_ = x.fromKeys() // where the key is refused this fails, and the observer sees why
	}
	return nil
}

// lowOrderRows: the seven encodings with which no secret can be agreed.
func lowOrderRows() []row {
	points := []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	}
	var rows []row
	for i, text := range points {
		point, err := hex.DecodeString(text)
		if err != nil {
			panic(err)
		}
		rows = append(rows, both("2.4.2", fmt.Sprintf("ephemeral key of low order, %d of 7", i+1), shut("peer_low_order"), bytesFirst(ephemeral(point))))
	}
	return rows
}

// authAttack goes as far as the keys and says this in place of the authentication.
func authAttack(make func(x *intruder) []byte) func(*intruder) error {
	return func(x *intruder) error {
		if err := x.toKeys(); err != nil {
			return err
		}
		x.say(make(x))
		return nil
	}
}

// authRows: the first sealed frames (3.1 meets 2.4.5) and what they prove (2.4.6).
var authRows = []row{
	both("2.4.5", "noise in place of the first frame", shut("peer_bad_frame"), func(x *intruder) error {
		err := x.toKeys()
		if err == nil {
			x.put(bytes.Repeat([]byte{0x5a}, frameWire))
		}
		return err
	}),
	both("2.4.5", "the first frame with the second's nonce", shut("peer_bad_frame"), func(x *intruder) error {
		err := x.toKeys()
		if err == nil {
			x.sealed = 1
			x.say(x.honestAuth())
		}
		return err
	}),
	both("2.4.5", "the first frame announces 1,025 bytes", shut("peer_frame_length"), func(x *intruder) error {
		err := x.toKeys()
		if err == nil {
			x.put(x.frameOf(1025, x.honestAuth()))
		}
		return err
	}),
	both("2.4.5", "authentication in two frames", kept, func(x *intruder) error {
		if err := x.toKeys(); err != nil {
			return err
		}
		auth := x.honestAuth()
		x.put(x.frame(auth[:40]), x.frame(auth[40:]))
		if err := x.hearAuth(); err != nil {
			return err
		}
		x.say(delimited(encodeInfo(x.nodeInfo())))
		return x.hearInfo()
	}),
	both("2.4.6", "no protobuf", shut("peer_bad_auth"), authAttack(func(x *intruder) []byte { return delimited([]byte{0x0a, 0xff, 0xff, 0x01}) })),
	both("2.4.6", "an empty message", shut("peer_bad_auth"), authAttack(func(x *intruder) []byte { return []byte{0} })),
	both("2.4.6", "a message of more than 1 MiB", shut("peer_bad_auth"), authAttack(func(x *intruder) []byte { return uv(1<<20 + 1) })),
	both("2.4.6", "no key", shut("peer_bad_auth"), authAttack(func(x *intruder) []byte {
		return delimited(field(2, ed25519.Sign(x.key, x.challenge)))
	})),
	both("2.4.6", "a key without a type", shut("peer_bad_auth"), authAttack(func(x *intruder) []byte {
		return delimited(join(field(1, nil), field(2, ed25519.Sign(x.key, x.challenge))))
	})),
	both("2.4.6", "a key of a type that nobody knows", shut("peer_bad_auth|peer_key_type"), authAttack(func(x *intruder) []byte {
		return authOf(9, x.pub(), ed25519.Sign(x.key, x.challenge))
	})),
	both("2.4.6", "a secp256k1 key", shut("peer_key_type"), authAttack(func(x *intruder) []byte {
		return authOf(2, append([]byte{2}, x.pub()...), ed25519.Sign(x.key, x.challenge))
	})),
	both("2.4.6", "a key of 31 bytes", shut("peer_bad_auth"), authAttack(func(x *intruder) []byte {
		return authOf(1, x.pub()[:31], ed25519.Sign(x.key, x.challenge))
	})),
	both("2.4.6", "a key of 33 bytes", shut("peer_bad_auth"), authAttack(func(x *intruder) []byte {
		return authOf(1, append(append([]byte(nil), x.pub()...), 0), ed25519.Sign(x.key, x.challenge))
	})),
	both("2.4.6", "a signature of 63 bytes", shut("peer_bad_signature"), authAttack(func(x *intruder) []byte {
		return authOf(1, x.pub(), ed25519.Sign(x.key, x.challenge)[:63])
	})),
	both("2.4.6", "a signature of 65 bytes", shut("peer_bad_signature"), authAttack(func(x *intruder) []byte {
		return authOf(1, x.pub(), append(ed25519.Sign(x.key, x.challenge), 0))
	})),
	both("2.4.6", "no signature", shut("peer_bad_signature"), authAttack(func(x *intruder) []byte { return authOf(1, x.pub(), nil) })),
	both("2.4.6", "a signature with one bit changed", shut("peer_bad_signature"), authAttack(func(x *intruder) []byte {
		sig := ed25519.Sign(x.key, x.challenge)
		sig[10] ^= 4
		return authOf(1, x.pub(), sig)
	})),
	both("2.4.6", "a signature of another challenge", shut("peer_bad_signature"), authAttack(func(x *intruder) []byte {
		return authOf(1, x.pub(), ed25519.Sign(x.key, make([]byte, 32)))
	})),
	both("2.4.6", "a signature by another key", shut("peer_bad_signature"), authAttack(func(x *intruder) []byte {
		return authOf(1, x.pub(), ed25519.Sign(newIntruder("", "", "").key, x.challenge))
	})),
	both("2.4.6", "a signature whose scalar is not reduced", shut("peer_bad_signature"), authAttack(func(x *intruder) []byte {
		return authOf(1, x.pub(), unreduced(ed25519.Sign(x.key, x.challenge)))
	})),
	both("2.4.6", "the neutral point as key and signature", shut("peer_bad_auth|peer_bad_signature"), authAttack(func(x *intruder) []byte {
		neutral := append([]byte{1}, make([]byte, 31)...)
		return authOf(1, neutral, append(append([]byte(nil), neutral...), make([]byte, 32)...))
	})),
	both("2.4.6", "unknown fields beside key and signature", kept, func(x *intruder) error {
		if err := x.toKeys(); err != nil {
			return err
		}
		x.say(delimited(join(x.honestAuth()[1:], number(7, 1), field(8, make([]byte, 600)))))
		if err := x.hearAuth(); err != nil {
			return err
		}
		x.say(delimited(encodeInfo(x.nodeInfo())))
		return x.hearInfo()
	}),
	both("2.1/9", "their own authentication and node info back", shut("peer_self"), func(x *intruder) error {
		if err := x.toKeys(); err != nil {
			return err
		}
		if err := x.hearAuth(); err != nil {
			return err
		}
		x.say(delimited(x.auth))
		if err := x.hearInfo(); err != nil {
			return err
		}
		x.say(delimited(x.info))
		return nil
	}),
	both("2.1/9", "their own key, stolen", shut("peer_self"), func(x *intruder) (err error) {
		if x.key, err = x.stolenKey(); err != nil {
			return err
		}
		return x.toPeer()
	}),
}

// unreduced adds the group's order to the scalar: the same equation, another encoding.
func unreduced(sig []byte) []byte {
	order, err := hex.DecodeString("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	if err != nil {
		panic(err)
	}
	out, carry := append([]byte(nil), sig...), 0
	for i, b := range order {
		sum := int(out[32+i]) + int(b) + carry
		out[32+i], carry = byte(sum), sum>>8
	}
	return out
}

// tableRows: who is connected already (2.5).
var tableRows = []row{
	both("2.5", "a second connection from one IP; the first one stays", shut("duplicate_ip"), func(x *intruder) error {
		if err := x.firstFrom(x.ip); err != nil {
			return err
		}
		return x.dial()
	}),
	both("4.4", "a second connection of one id from another IP; the first one stays", shut("duplicate_id"), func(x *intruder) error {
		if err := x.firstFrom(x.ip[:strings.LastIndex(x.ip, ".")] + ".2"); err != nil {
			return err
		}
		return x.toPeer()
	}),
}

// firstFrom makes a peer with our key from this address; it must be alive when the row is over.
func (x *intruder) firstFrom(ip string) error {
	first := newIntruder(x.target, x.home, ip)
	first.key = x.key
	if err := first.toPeer(); err != nil {
		return err
	}
	x.after = func() error {
		defer first.Close()
		return first.answered()
	}
	return nil
}

// withInfo is the honest upgrade up to a node info with this change.
func withInfo(change func(*p2p.DefaultNodeInfo)) func(*intruder) error {
	return withInfoBytes(func(x *intruder) []byte {
		info := x.nodeInfo()
		change(&info)
		return delimited(encodeInfo(info))
	})
}

// withInfoBytes says these bytes in place of a node info. Both node infos cross before either side judges.
func withInfoBytes(make func(*intruder) []byte) func(*intruder) error {
	return func(x *intruder) error {
		if err := x.toInfo(); err != nil {
			return err
		}
		x.say(make(x))
		return x.hearInfo()
	}
}

func badInfo(what string, change func(*p2p.DefaultNodeInfo)) row {
	return both("2.6", what, shut("peer_bad_node_info"), withInfo(change))
}

func goodInfo(what string, change func(*p2p.DefaultNodeInfo)) row {
	return both("2.6", what, kept, withInfo(change))
}

func infoRows() []row {
	type info = *p2p.DefaultNodeInfo
	rows := []row{
		both("2.1/8", "the node info names another id", shut("peer_node_info_id"), withInfo(func(i info) { i.DefaultNodeID = p2p.ID(strings.Repeat("ab", 20)) })),
		both("2.1/8", "the node info names its id in upper case", shut("peer_node_info_id"),
			withInfo(func(i info) { i.DefaultNodeID = p2p.ID(strings.ToUpper(string(i.DefaultNodeID))) })),
		badInfo("no id", func(i info) { i.DefaultNodeID = "" }),
		badInfo("an id that is not hex", func(i info) { i.DefaultNodeID = p2p.ID(strings.Repeat("xy", 20)) }),
		badInfo("an id of 19 bytes", func(i info) { i.DefaultNodeID = i.DefaultNodeID[2:] }),
		badInfo("no listen_addr", func(i info) { i.ListenAddr = "" }),
		badInfo("listen_addr without a port", func(i info) { i.ListenAddr = "127.0.0.1" }),
		badInfo("listen_addr without a host", func(i info) { i.ListenAddr = ":26656" }),
		badInfo("listen_addr with port 65536", func(i info) { i.ListenAddr = "127.0.0.1:65536" }),
		badInfo("listen_addr with a port that is a word", func(i info) { i.ListenAddr = "127.0.0.1:http" }),
		badInfo("listen_addr with a second @", func(i info) { i.ListenAddr = "a@127.0.0.1:26656" }),
		badInfo("listen_addr with an open bracket", func(i info) { i.ListenAddr = "[::1:26656" }),
		goodInfo("listen_addr 0.0.0.0 with a scheme", func(i info) { i.ListenAddr = "tcp://0.0.0.0:26656" }),
		goodInfo("listen_addr in IPv6", func(i info) { i.ListenAddr = "[2001:db8::1]:26656" }),
		differ("2.6", "listen_addr with a host name", "D-10: never looked up", kept, kept, withInfo(func(i info) { i.ListenAddr = "localhost:26656" })),
		badInfo("a version with a control character", func(i info) { i.Version = "0.40\n" }),
		badInfo("a version of spaces", func(i info) { i.Version = "  " }),
		badInfo("a version that is not ASCII", func(i info) { i.Version = "0.40\xc3\xa9" }),
		goodInfo("no version", func(i info) { i.Version = "" }),
		badInfo("17 channels", func(i info) { i.Channels = slices.Concat([]byte{0x70}, seq(1, 16)) }),
		goodInfo("16 channels", func(i info) { i.Channels = slices.Concat([]byte{0x70}, seq(1, 15)) }),
		badInfo("a channel twice", func(i info) { i.Channels = []byte{0x70, 0x71, 0x70} }),
		badInfo("no moniker", func(i info) { i.Moniker = "" }),
		badInfo("a moniker of spaces", func(i info) { i.Moniker = "   " }),
		badInfo("a moniker that is not ASCII", func(i info) { i.Moniker = "n\x80de" }),
		badInfo("a moniker with a zero byte", func(i info) { i.Moniker = "node\x00" }),
		goodInfo("a moniker of 9,000 bytes", func(i info) { i.Moniker = strings.Repeat("m", 9000) }),
		badInfo("tx_index that is neither on nor off", func(i info) { i.Other.TxIndex = "maybe" }),
		goodInfo("no tx_index", func(i info) { i.Other.TxIndex = "" }),
		badInfo("rpc_address that is not ASCII", func(i info) { i.Other.RPCAddress = "tcp://\xff" }),
		both("2.6", "another block version", shut("peer_block_version"), withInfo(func(i info) { i.ProtocolVersion.Block++ })),
		both("2.6", "another network", shut("peer_network"), withInfo(func(i info) { i.Network = "Interop" })),
		both("2.6", "no network", shut("peer_network"), withInfo(func(i info) { i.Network = "" })),
		both("2.6", "no channel in common", shut("peer_no_common_channel"), withInfo(func(i info) { i.Channels = []byte{0x55} })),
		both("2.6", "no channels", shut("peer_no_common_channel"), withInfo(func(i info) { i.Channels = nil })),
		goodInfo("other p2p, app and software versions", func(i info) {
			i.ProtocolVersion.P2P, i.ProtocolVersion.App, i.Version = 99, 77, "v1000"
		}),
	}
	return append(rows, infoBytesRows()...)
}

func seq(from byte, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = from + byte(i)
	}
	return out
}

// infoBytesRows: node infos that no encoder makes.
func infoBytesRows() []row {
	honest := func(x *intruder) []byte { return encodeInfo(x.nodeInfo()) }
	bad := func(what string, make func(*intruder) []byte) row {
		return both("2.6", what, shut("peer_bad_node_info"), withInfoBytes(make))
	}
	return []row{
		bad("a node info of 10,241 bytes", func(x *intruder) []byte {
			return delimited(join(honest(x), field(20, make([]byte, 10241-4-len(honest(x))))))
		}),
		both("2.6", "a node info of 10,240 bytes", kept, withInfoBytes(func(x *intruder) []byte {
			return delimited(join(honest(x), field(20, make([]byte, 10240-4-len(honest(x))))))
		})),
		bad("an empty node info", func(x *intruder) []byte { return []byte{0} }),
		bad("a node info cut short", func(x *intruder) []byte { return delimited(honest(x)[:30]) }),
		bad("a known field of the wrong wire type", func(x *intruder) []byte { return delimited(join(honest(x), number(7, 1))) }),
		bad("protocol_version of the wrong wire type", func(x *intruder) []byte { return delimited(join(honest(x), field(1, field(2, []byte{11})))) }),
		bad("a field with number 0 in a node info", func(x *intruder) []byte { return delimited(join(honest(x), []byte{0x02, 0x00})) }),
		both("2.2", "a field of a node info twice: the last one counts", kept, withInfoBytes(func(x *intruder) []byte {
			return delimited(join(field(4, []byte("elsewhere")), field(7, nil), honest(x)))
		})),
		both("2.6", "the node info in frames of ten bytes", kept, func(x *intruder) error {
			if err := x.toInfo(); err != nil {
				return err
			}
			for info := delimited(honest(x)); len(info) > 0; info = info[min(10, len(info)):] {
				x.put(x.frame(info[:min(10, len(info))]))
			}
			return x.hearInfo()
		}),
		both("2.6", "node info, a ping and half a packet in one frame", kept, func(x *intruder) error {
			if err := x.toInfo(); err != nil {
				return err
			}
			hello := packetOf(0x70, true, []byte("hello"))
			x.say(delimited(honest(x)), pingPacket, hello[:5])
			if err := x.hearInfo(); err != nil {
				return err
			}
			x.say(hello[5:])
			back, err := x.hearMessage(0x70)
			if err == nil && string(back) != "hello" {
				err = fmt.Errorf("the packet came back as %q", back)
			}
			return err
		}),
	}
}
