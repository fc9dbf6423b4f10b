package main

// A relay between two nodes that can stop carrying bytes, one way or both, without closing anything.

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"
)

// relay listens and carries every connection to its target.
type relay struct {
	listener net.Listener
	target   string // host:port
	id       string // of the target
	mtx      sync.Mutex
	conns    []net.Conn
	// what is not carried any more: from the dialler to the target, and back
	there, back atomic.Bool
}

// newRelay stands before the node of this address (id@host:port).
func newRelay(address string) (*relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	parts := strings.SplitN(address, "@", 2)
	r := &relay{listener: l, id: parts[0], target: parts[1]}
	go r.serve()
	return r, nil
}

func (r *relay) address() string { return r.id + "@" + r.listener.Addr().String() }

func (r *relay) serve() {
	for {
		in, err := r.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", r.target)
		if err != nil {
			_ = in.Close()
			continue
		}
		r.mtx.Lock()
		r.conns = append(r.conns, in, out)
		r.mtx.Unlock()
		go carry(out, in, &r.there)
		go carry(in, out, &r.back)
	}
}

// carry copies until either end closes; while it is cut it goes on reading and forgets what it read.
func carry(to, from net.Conn, cut *atomic.Bool) {
	buf := make([]byte, 32768)
	for {
		n, err := from.Read(buf)
		if n > 0 && !cut.Load() {
			if _, werr := to.Write(buf[:n]); werr != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	_ = to.Close()
	_ = from.Close()
}

func (r *relay) close() {
	_ = r.listener.Close()
	r.mtx.Lock()
	defer r.mtx.Unlock()
	for _, c := range r.conns {
		_ = c.Close()
	}
}
