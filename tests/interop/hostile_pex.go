package main

// Attacks on the PEX reactor, protocol.md section 5: as a dialler, and as somebody whom the target dials and asks.

import (
	"bytes"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// addrOf is one NetAddress of PexAddrs.
func addrOf(id, ip string, port uint64) []byte {
	return field(1, join(field(1, []byte(id)), field(2, []byte(ip)), number(3, port)))
}

var pexRequest = field(1, nil)

func pexAddrs(addrs ...[]byte) []byte { return field(2, join(addrs...)) }

// manyAddrs are n addresses, each with an id and in a network of its own as far as they last.
func manyAddrs(n int) []byte {
	var out []byte
	for i := 0; i < n; i++ {
		id := fmt.Sprintf("%040x", 0xabc000+i)
		out = append(out, addrOf(id, fmt.Sprintf("127.%d.%d.7", 1+i%40, i/40), 26656)...)
	}
	return pexAddrs(out)
}

var someone = strings.Repeat("cd", 20)

// hearSelection takes an answer and looks at it: at most 251 entries, each an id, an IP literal and a port.
func (x *intruder) hearSelection() error {
	whole, err := x.hearMessage(0)
	for err == nil && len(whole) == 2 && whole[0] == 0x0a { // they ask us, too
		whole, err = x.hearMessage(0)
	}
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	return checkSelection(whole)
}

func checkSelection(whole []byte) error {
	_, list, err := takeField(whole, 2)
	n := 0
	for ; err == nil && len(list) > 0; n++ {
		var entry, ip []byte
		if list, entry, err = takeField(list, 1); err != nil {
			break
		}
		if entry, _, err = takeField(entry, 1); err != nil {
			break
		}
		if _, ip, err = takeField(entry, 2); err == nil && net.ParseIP(string(ip)) == nil {
			err = fmt.Errorf("the answer holds the address %q", ip)
		}
	}
	if err == nil && n > 251 {
		err = fmt.Errorf("the answer has %d entries", n)
	}
	return err
}

// takeField takes a length-delimited field with this number off the front: what follows, and what is in it.
func takeField(b []byte, want byte) ([]byte, []byte, error) {
	if len(b) < 2 || b[0] != want<<3|2 {
		return nil, nil, fmt.Errorf("the target sends %x where field %d belongs", b[:min(len(b), 8)], want)
	}
	n, rest := 0, b[1:]
	for shift := 0; len(rest) > 0; shift += 7 {
		c := rest[0]
		rest = rest[1:]
		n |= int(c&0x7f) << shift
		if c < 0x80 {
			break
		}
	}
	if n > len(rest) {
		return nil, nil, fmt.Errorf("the target sends a field of %d bytes in %d", n, len(rest))
	}
	return rest[n:], rest[:n], nil
}

// requests asks n times at once; each answer that comes in time is looked at.
func requests(n, answers int) func(*intruder) error {
	return then(func(x *intruder) error {
		x.say(bytes.Repeat(message(0, pexRequest), n))
		for i := 0; i < answers; i++ {
			if err := x.hearSelection(); err != nil {
				return err
			}
		}
		return nil
	})
}

// pexRows: what a dialler may say to the PEX reactor.
var pexRows = []row{
	both("5.1", "no protobuf", shut("peer_bad_message"), spoken(message(0, []byte{0x12, 0x7f, 1}))),
	both("5.1", "an empty PEX message", shut("peer_bad_message"), spoken(packetOf(0, true, nil))),
	both("5.1", "a PEX message of an unknown kind", shut("peer_bad_message"), spoken(message(0, field(3, nil)))),
	both("5.1", "a request as a number", shut("peer_bad_message"), spoken(message(0, number(1, 1)))),
	both("5.1", "an entry that is cut short", shut("peer_bad_message"), spoken(message(0, field(2, []byte{0x0a, 0x30, 0x0a})))),
	both("5.1", "a port as bytes", shut("peer_bad_message"), spoken(message(0, pexAddrs(field(1, field(3, []byte{1})))))),
	both("5.5", "a request: answered", kept, requests(1, 1)),
	both("5.5", "two requests at once: both answered", kept, requests(2, 2)),
	differ("5.5", "three requests at once", "D-20", kept, shut("peer_pex_flood"), requests(3, 0)),
	both("5.5", "twenty requests at once", shut("peer_pex_flood"), requests(20, 0)),
	both("5.5", "addresses that nobody asked for", shut("peer_pex_unsolicited"), spoken(message(0, pexAddrs(addrOf(someone, "127.3.3.3", 26656))))),
	both("5.5", "no addresses, and nobody asked for them", shut("peer_pex_unsolicited"), spoken(message(0, pexAddrs()))),
	both("5.5", "a thousand addresses that nobody asked for", shut("peer_pex_unsolicited"), spoken(message(0, manyAddrs(900)))),
	both("5.5", "unasked, with port 65536", shut("peer_pex_bad_addr"), spoken(message(0, pexAddrs(addrOf(someone, "127.3.3.3", 65536))))),
	both("5.5", "unasked, with a host name", shut("peer_pex_bad_addr"), spoken(message(0, pexAddrs(addrOf(someone, "localhost", 26656))))),
	differ("5.5", "banned for it, and back with the same id", "D-13", shut("banned"), kept, backAgain),
	both("6.5", "a peer that advertises the target's own address", kept, func(x *intruder) error {
		if err := x.toInfo(); err != nil {
			return err
		}
		info := x.nodeInfo()
		info.ListenAddr = x.target
		x.say(delimited(encodeInfo(info)))
		return x.hearInfo()
	}),
}

// backAgain breaks a rule, is cut off, and comes back from another IP with the id that was banned.
func backAgain(x *intruder) error {
	first := newIntruder(x.target, x.home, x.ip[:strings.LastIndex(x.ip, ".")]+".2")
	first.key = x.key
	if err := first.toRealPeer(); err != nil {
		return err
	}
	defer first.Close()
	first.say(message(0, pexAddrs(addrOf(someone, "127.3.3.3", 26656))))
	if _, err := first.gone(slow); err != nil {
		return err
	}
	if err := x.toRealPeer(); err != nil && x.real == nil {
		return err // the ban is known by id, so that the handshake still passes
	}
	return nil
}

// answer is a row in which the target dials, asks for addresses and hears this.
type answer struct {
	row
	says [][]byte // messages on channel 0, one after the other
}

func answers(what string, o outcome, says ...[]byte) answer {
	return answer{both("5.5", what, o, nil), says}
}

func tooLong() []byte {
	list := manyAddrs(900)
	return join(list, field(9, make([]byte, 64001-len(list))))
}

// pexAnswers: what somebody may answer who was asked.
var pexAnswers = []answer{
	answers("asked: one address", kept, pexAddrs(addrOf(someone, "127.4.4.4", 26656))),
	answers("asked: no addresses", kept, pexAddrs()),
	answers("asked: 900 addresses", kept, manyAddrs(900)),
	answers("asked: a message of 64,001 bytes", shut("peer_message_too_long"), tooLong()),
	answers("asked: port 65536", shut("peer_pex_bad_addr"), pexAddrs(addrOf(someone, "127.4.4.5", 26656), addrOf(someone, "127.4.4.5", 65536))),
	answers("asked: port 2^32 + 26656 is cut to 26656", kept, pexAddrs(addrOf(someone, "127.4.4.6", 1<<32+26656))),
	answers("asked: a host name", shut("peer_pex_bad_addr"), pexAddrs(addrOf(someone, "example.org", 26656))),
	answers("asked: an IP with a port", shut("peer_pex_bad_addr"), pexAddrs(addrOf(someone, "127.4.4.4:1", 26656))),
	answers("asked: no IP", shut("peer_pex_bad_addr"), pexAddrs(addrOf(someone, "", 26656))),
	answers("asked: ids that are none; not entered, not punished", kept, pexAddrs(addrOf("", "127.4.4.7", 26656), addrOf("xyz", "127.4.4.8", 26656))),
	answers("asked: addresses of nobody; not entered, not punished", kept, pexAddrs(addrOf(someone, "0.0.0.0", 26656),
		addrOf(someone, "255.255.255.255", 1), addrOf(someone, "2001:db8::1", 1))),
	answers("asked once, answered twice", shut("peer_pex_unsolicited"), pexAddrs(addrOf(someone, "127.4.4.9", 26656)), pexAddrs()),
}

// listener waits for the target's dial.
type listener struct {
	answer
	l  net.Listener
	x  *intruder
	ip string
}

func openListeners(list []answer) ([]*listener, error) {
	var out []*listener
	for i, a := range list {
		ip := fmt.Sprintf("127.%d.0.5", 100+i)
		l, err := net.Listen("tcp", ip+":0")
		if err != nil {
			return nil, err
		}
		out = append(out, &listener{a, l, newIntruder("", "", ip), ip})
	}
	return out, nil
}

// addressesOf lists them as persistent peers, each with a comma in front.
func addressesOf(list []*listener) string {
	text := ""
	for _, l := range list {
		text += "," + l.x.id() + "@" + l.ip + ":" + strconv.Itoa(l.l.Addr().(*net.TCPAddr).Port)
	}
	return text
}

// runListeners lets each answer once; whoever is dialled again has gone.
func runListeners(list []*listener, target *ours, profile string) []verdict {
	verdicts := make([]verdict, len(list))
	done := make(chan struct{})
	for i, l := range list {
		go func() {
			verdicts[i] = l.judge(target, profile)
			done <- struct{}{}
		}()
	}
	for range list {
		<-done
	}
	return verdicts
}

// judge turns the accepted connection into an intruder's and lets the row's attack be the answer.
func (l *listener) judge(target *ours, profile string) verdict {
	l.row.attack = func(x *intruder) error {
		*x = *l.x
		return x.replies(l.l, l.says)
	}
	defer l.l.Close()
	return l.row.judge(target, profile, l.ip)
}

// replies accepts, upgrades over CometBFT's secret connection, waits for the request and says what it has to.
func (x *intruder) replies(l net.Listener, says [][]byte) error {
	_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(slow))
	c, err := l.Accept()
	if err != nil {
		return fmt.Errorf("the target did not dial: %w", err)
	}
	_ = l.Close()
	x.c, x.begun = c, time.Now()
	_ = c.SetDeadline(time.Now().Add(slow))
	if err := x.upgradeReal(); err != nil {
		return err
	}
	asked, err := x.hearMessage(0)
	if err != nil || string(asked) != string(pexRequest) {
		return fmt.Errorf("the target asks %x: %v", asked, err)
	}
	for _, m := range says {
		x.say(message(0, m))
	}
	return nil
}
