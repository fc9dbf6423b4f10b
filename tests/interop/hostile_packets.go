package main

// Attacks behind the upgrade: frames, packets and messages, protocol.md section 3.

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

var packetRows = slices.Concat(frameRows, malformedRows, channelRows, floodRows, silentRows)

// framed is the upgrade by hand, then these bytes on the wire.
func framed(make func(x *intruder) []byte) func(*intruder) error {
	return func(x *intruder) error {
		if err := x.toPeer(); err != nil {
			return err
		}
		x.put(make(x))
		return nil
	}
}

// spoken is the upgrade over CometBFT's secret connection, then this plaintext.
func spoken(parts ...[]byte) func(*intruder) error {
	return func(x *intruder) error {
		if err := x.toRealPeer(); err != nil {
			return err
		}
		x.say(parts...)
		return nil
	}
}

// then goes on after an upgrade over CometBFT's secret connection.
func then(more func(x *intruder) error) func(*intruder) error {
	return func(x *intruder) error {
		if err := x.toRealPeer(); err != nil {
			return err
		}
		return more(x)
	}
}

// frameRows: sealed frames (3.1).
var frameRows = []row{
	both("3.1", "noise in place of a frame", shut("peer_bad_frame"), framed(func(x *intruder) []byte { return bytes.Repeat([]byte{1}, frameWire) })),
	both("3.1", "one bit of a frame changed", shut("peer_bad_frame"), framed(func(x *intruder) []byte {
		f := x.frame(pingPacket)
		f[500] ^= 1
		return f
	})),
	both("3.1", "one bit of a tag changed", shut("peer_bad_frame"), framed(func(x *intruder) []byte {
		f := x.frame(pingPacket)
		f[frameWire-1] ^= 0x80
		return f
	})),
	both("3.1", "a frame sent twice", shut("peer_bad_frame"), framed(func(x *intruder) []byte {
		f := x.frame(pingPacket)
		return join(f, f)
	})),
	both("3.1", "a frame left out", shut("peer_bad_frame"), framed(func(x *intruder) []byte {
		x.frame(pingPacket)
		return x.frame(pingPacket)
	})),
	both("3.1", "two frames in the wrong order", shut("peer_bad_frame"), framed(func(x *intruder) []byte {
		first, second := x.frame(pingPacket), x.frame(pingPacket)
		return join(second, first)
	})),
	both("3.1", "a frame announces 1,025 bytes", shut("peer_frame_length"), framed(func(x *intruder) []byte { return x.frameOf(1025, pingPacket) })),
	both("3.1", "a frame announces 2^32 - 1 bytes", shut("peer_frame_length"), framed(func(x *intruder) []byte { return x.frameOf(1<<32-1, pingPacket) })),
	both("3.1", "empty frames at a packet's boundary and within it", kept, framed(func(x *intruder) []byte {
		return join(x.frame(nil), x.frame(pingPacket[:1]), x.frame(nil), x.frame(pingPacket[1:]), x.frame(nil))
	})),
	both("3.1", "a thousand empty frames", kept, framed(func(x *intruder) []byte {
		var out []byte
		for i := 0; i < 1000; i++ {
			out = append(out, x.frame(nil)...)
		}
		return out
	})),
	both("3.1", "padding that is not zero", kept, framed(func(x *intruder) []byte {
		return x.frameOf(uint32(len(pingPacket)), join(pingPacket, bytes.Repeat([]byte{0xa5}, 900)))
	})),
	both("3.1", "a frame of one byte for each byte of a message", kept, func(x *intruder) error {
		if err := x.toPeer(); err != nil {
			return err
		}
		for _, b := range message(0x70, pattern(100, 3)) {
			x.put(x.frame([]byte{b}))
		}
		_, err := x.hearMessage(0x70)
		return err
	}),
	both("3.1", "hangs up within a frame", shut("peer_closed|peer_reset"), func(x *intruder) error {
		err := x.toPeer()
		if err == nil {
			x.put(x.frame(pingPacket)[:100])
			x.halfClosed()
		}
		return err
	}),
	both("3.10", "hangs up between frames", shut("peer_closed|peer_reset"), func(x *intruder) error {
		err := x.toPeer()
		if err == nil {
			x.halfClosed()
		}
		return err
	}),
}

// malformedRows: packets that are none (2.2, 3.2, 3.5).
var malformedRows = []row{
	both("3.2", "an empty packet", shut("peer_unknown_packet"), spoken([]byte{0})),
	both("3.2", "a packet of an unknown kind", shut("peer_unknown_packet"), spoken(delimited(field(4, []byte{1, 2, 3})))),
	both("3.2", "a packet that is no protobuf", shut("peer_bad_packet"), spoken(delimited([]byte{0x1a, 0x7f, 0x08}))),
	both("3.2", "a ping as a number", shut("peer_bad_packet"), spoken(delimited(number(1, 1)))),
	both("3.2", "a message as a number", shut("peer_bad_packet"), spoken(delimited(number(3, 1)))),
	both("3.2", "a channel id as bytes", shut("peer_bad_packet"), spoken(delimited(field(3, field(1, []byte{0x70}))))),
	both("3.2", "data as a number", shut("peer_bad_packet"), spoken(delimited(field(3, join(number(1, 0x70), number(3, 5)))))),
	both("3.2", "a ping that holds rubbish", shut("peer_bad_packet"), spoken(delimited(field(1, []byte{0x0a, 0x05})))),
	both("3.2", "a field with number 0 in a packet", shut("peer_bad_packet"), spoken(delimited([]byte{0x02, 0x00}))),
	both("2.2", "a packet's delimiter of eleven bytes", shut("peer_bad_packet|peer_packet_too_long"), spoken(bytes.Repeat([]byte{0xff}, 11))),
	both("2.2", "a packet of 2^63 - 1 bytes", shut("peer_bad_packet|peer_packet_too_long"), spoken(uv(1<<63-1))),
	both("2.2", "a packet of 2^40 bytes", shut("peer_packet_too_long"), spoken(uv(1<<40))),
	both("3.4", "a packet of 1,035 bytes", shut("peer_packet_too_long"), spoken(uv(1035))),
	both("3.4", "a final packet of 1,024 bytes on channel 0xf0: 1,035", shut("peer_packet_too_long"), spoken(packetOf(0xf0, true, pattern(1024, 1)))),
	both("3.4", "1,026 bytes of data that do not end a message: 1,034", kept, then(func(x *intruder) error {
		data := pattern(1030, 1)
		x.say(packetOf(0x70, false, data[:1026]), packetOf(0x70, true, data[1026:]))
		back, err := x.hearMessage(0x70)
		if err == nil && !bytes.Equal(back, data) {
			err = fmt.Errorf("%d bytes came back as %d others", len(data), len(back))
		}
		return err
	})),
	both("3.2", "a pong's field after a ping's: the last one counts", kept, then(func(x *intruder) error {
		x.say(delimited(join(field(1, nil), field(2, nil))))
		return nil
	})),
	both("3.2", "unknown fields in a packet", kept, then(func(x *intruder) error {
		x.say(delimited(join(number(15, 1), field(3, join(number(1, 0x70), number(2, 1), field(3, []byte("odd")), number(9, 9))))))
		back, err := x.hearMessage(0x70)
		if err == nil && string(back) != "odd" {
			err = fmt.Errorf("the message came back as %q", back)
		}
		return err
	})),
	both("2.2", "a channel id of 2^32 + 0x70 is cut to 0x70", kept, then(func(x *intruder) error {
		x.say(delimited(field(3, join(number(1, 1<<32+0x70), number(2, 1), field(3, []byte("wide"))))))
		back, err := x.hearMessage(0x70)
		if err == nil && string(back) != "wide" {
			err = fmt.Errorf("the message came back as %q", back)
		}
		return err
	})),
}

// channelRows: where a message goes and how long it may be (3.5).
var channelRows = []row{
	both("3.5", "a channel that is not there", shut("peer_unknown_channel"), spoken(packetOf(0x55, true, []byte("x")))),
	both("3.5", "channel 256", shut("peer_unknown_channel"), spoken(delimited(field(3, join(number(1, 256), number(2, 1), field(3, []byte("x"))))))),
	both("3.5", "channel -1", shut("peer_unknown_channel"), spoken(delimited(field(3, join(number(1, 1<<64-1), number(2, 1), field(3, []byte("x"))))))),
	both("3.5", "a message of 64,001 bytes on a channel that takes 64,000", shut("peer_message_too_long"), spoken(message(0, make([]byte, 64001)))),
	both("3.5", "the same without an end", shut("peer_message_too_long"), spoken(endless(0, 64001))),
	both("3.5", "a message of 4 MiB and a byte on a channel that takes 4 MiB", shut("peer_message_too_long"), spoken(message(0x70, make([]byte, 4<<20+1)))),
	both("3.5", "the same without an end", shut("peer_message_too_long"), spoken(endless(0x71, 4<<20+1))),
	both("3.5", "a message of 4 MiB on a channel that takes 4 MiB", kept, then(func(x *intruder) error { return x.echoed(0x72, pattern(4<<20, 5)) })),
	both("3.5", "messages of three channels, packet by packet", kept, then(func(x *intruder) error {
		data := pattern(3000, 9)
		for at := 0; at < 3000; at += 1000 {
			for _, ch := range []byte{0x70, 0x71, 0x72} {
				x.say(packetOf(ch, at == 2000, data[at:at+1000]))
			}
		}
		for n := 0; n < 9; {
			p, err := x.hearPacket()
			if err != nil {
				return err
			}
			if p.kind == 3 && p.channel >= 0x70 {
				n++
			}
		}
		return nil
	})),
	both("3.5", "half messages on every channel, never ended", kept, spoken(packetOf(0x70, false, pattern(1000, 1)), packetOf(0x71, false, pattern(1000, 1)),
		packetOf(0x72, false, pattern(1000, 1)), packetOf(0xf0, false, pattern(1000, 1)))),
	both("3.6", "an empty message", kept, spoken(packetOf(0x70, true, nil))),
	both("3.5", "ten thousand packets without data", kept, spoken(bytes.Repeat(packetOf(0x70, false, nil), 10000))),
}

// endless is the beginning of a message that has no last packet.
func endless(channel byte, size int) []byte {
	var out []byte
	for ; size > 0; size -= chunkMax {
		out = append(out, packetOf(channel, false, make([]byte, min(size, chunkMax)))...)
	}
	return out
}

// floodRows: control packets (3.5, 3.7).
var floodRows = []row{
	both("3.5", "five thousand pings at once: answered, not one by one", kept, then(func(x *intruder) error {
		x.say(bytes.Repeat(pingPacket, 5000), packetOf(0x70, true, []byte("end")))
		pongs := 0
		for {
			p, err := x.hearPacket()
			if err != nil {
				return err
			}
			if p.kind == 2 {
				pongs++
			}
			if p.kind == 3 && p.channel == 0x70 {
				break
			}
		}
		if pongs > 2500 {
			return fmt.Errorf("%d pongs for 5,000 pings", pongs)
		}
		return nil
	})),
	both("3.7", "pongs that nobody asked for", kept, spoken(bytes.Repeat(pongPacket, 500))),
	both("3.7", "a message is no pong, and a pong no message", kept, then(func(x *intruder) error {
		x.say(pongPacket, packetOf(0x70, false, []byte("a")), pongPacket, packetOf(0x70, true, []byte("b")))
		back, err := x.hearMessage(0x70)
		if err == nil && string(back) != "ab" {
			err = fmt.Errorf("the message came back as %q", back)
		}
		return err
	})),
}

const pongWait = 105 * time.Second // 60 s to the ping, 45 s for the pong

// silentRows: who does not answer is dead (3.7). They last as long as everything else together.
var silentRows = []row{
	both("3.7", "pings are not answered", shutAfter("peer_pong_timeout", pongWait-time.Second, pongWait+slow), spoken()),
	both("3.7", "pings are answered by messages only", shutAfter("peer_pong_timeout", pongWait-time.Second, pongWait+slow), then(func(x *intruder) error {
		for time.Since(x.begun) < pongWait-5*time.Second {
			x.say(packetOf(0x70, true, []byte("not a pong")))
			time.Sleep(2 * time.Second)
		}
		return nil
	})),
	differ("3.7", "8 MiB of echoes are asked for and never read", "D-01: no send task that a write can hold",
		shutAfter("peer_pong_timeout", pongWait-time.Second, pongWait+slow), kept,
		then(func(x *intruder) error {
			_ = x.c.SetWriteDeadline(time.Now().Add(slow))
			for i := 0; i < 8; i++ {
				x.say(message(0x70, make([]byte, 1<<20)))
			}
			time.Sleep(pongWait - time.Since(x.begun))
			return nil
		})),
}
