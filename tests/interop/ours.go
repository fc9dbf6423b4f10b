package main

// A Switchyard node as a child process, driven through its command line and its log.

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

var listening = regexp.MustCompile(`[0-9a-f]{40}@[0-9a-f.:\[\]]+:[0-9]+`)

// left are the children that run; whatever a hanging case left behind is ended at the end.
var left sync.Map

func killLeft() {
	left.Range(func(key, _ interface{}) bool {
		_ = key.(*os.Process).Kill()
		return true
	})
}

// ours is one running child; its output is kept, line by line.
type ours struct {
	cmd  *exec.Cmd
	home string
	addr string
	mtx  sync.Mutex
	log  []string
	done chan struct{}
}

// startOurs runs `switchyard node` and waits until it says where it listens.
func startOurs(dir, laddr, network string, args ...string) (*ours, error) {
	home, err := os.MkdirTemp(dir, "ours")
	if err != nil {
		return nil, err
	}
	return startOursAt(home, laddr, network, args...)
}

func startOursAt(home, laddr, network string, args ...string) (*ours, error) {
	return launch(home, append([]string{"node", "--home", home, "--network", network, "--moniker", "ours", "--p2p.laddr", laddr,
		"--p2p.addr_book_strict=false", "--reactor", script("probe.lua")}, args...)...)
}

// script is the path of a reactor beside this file.
func script(name string) string { return filepath.Join(os.Getenv("INTEROP_DIR"), name) }

// launch runs switchyard with these arguments and waits until it says where it listens.
func launch(home string, args ...string) (*ours, error) {
	o := &ours{cmd: exec.Command(os.Getenv("SWITCHYARD"), args...), home: home, done: make(chan struct{})}
	out, err := o.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	o.cmd.Stderr = o.cmd.Stdout
	if err := o.cmd.Start(); err != nil {
		return nil, err
	}
	left.Store(o.cmd.Process, true)
	go func() {
		lines := bufio.NewScanner(out)
		lines.Buffer(make([]byte, 1<<20), 1<<20)
		for lines.Scan() {
			o.mtx.Lock()
			o.log = append(o.log, lines.Text())
			if o.addr == "" {
				o.addr = listening.FindString(lines.Text())
			}
			o.mtx.Unlock()
		}
		_ = o.cmd.Wait()
		left.Delete(o.cmd.Process)
		close(o.done)
	}()
	if !eventually(10*time.Second, func() bool { return o.address() != "" }) {
		o.kill()
		return nil, fmt.Errorf("the node did not say where it listens: %s", strings.Join(o.lines(), " | "))
	}
	return o, nil
}

func (o *ours) lines() []string {
	o.mtx.Lock()
	defer o.mtx.Unlock()
	return append([]string(nil), o.log...)
}

func (o *ours) address() string {
	o.mtx.Lock()
	defer o.mtx.Unlock()
	return o.addr
}

func (o *ours) id() string { return strings.SplitN(o.address(), "@", 2)[0] }

func (o *ours) dialString() string { return strings.SplitN(o.address(), "@", 2)[1] }

func (o *ours) said(text string) bool {
	for _, l := range o.lines() {
		if strings.Contains(l, text) {
			return true
		}
	}
	return false
}

// logged tells whether a line of the log (logfmt) has all of these fields: "msg=banned", "addresses=92".
func (o *ours) logged(fields ...string) bool {
	return slices.ContainsFunc(o.lines(), func(line string) bool {
		return !slices.ContainsFunc(fields, func(f string) bool { return !strings.Contains(line+" ", " "+f) })
	})
}

func (o *ours) kill() {
	_ = o.cmd.Process.Kill()
	<-o.done
}

// stop asks politely and tells whether the node ended with code 0 in time.
func (o *ours) stop() bool {
	_ = o.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-o.done:
		return o.cmd.ProcessState.ExitCode() == 0
	case <-time.After(10 * time.Second):
		o.kill()
		return false
	}
}

func eventually(d time.Duration, cond func() bool) bool {
	end := time.Now().Add(d)
	for time.Now().Before(end) {
		if cond() {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return cond()
}
