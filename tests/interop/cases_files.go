package main

// Files: node keys and address books of either side in the hands of the other.

import (
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/cometbft/cometbft/p2p"
)

var fileCases = []interopCase{
	{"files: they load our node key and address book", filesTheyLoad},
	{"files: we load their node key and address book", filesWeLoad},
	{"files: they load their address book as we have edited it", filesTheyLoadEdited},
}

func filesTheyLoad(dir string) string {
	third, err := newComet(dir, fresh(), options{pex: true})
	if err != nil {
		return err.Error()
	}
	defer third.stop()
	n, err := startOurs(dir, any, "interop", "--p2p.seeds", third.address())
	if err != nil {
		return err.Error()
	}
	if !eventually(10*time.Second, func() bool { return third.has(n.id()) }) {
		n.kill()
		return fail(n, "not connected")
	}
	time.Sleep(500 * time.Millisecond)
	second, err := newComet(dir, fresh(), options{pex: true})
	if err != nil {
		n.kill()
		return err.Error()
	}
	defer second.stop()
	if err := second.dial(n.address()); err != nil {
		n.kill()
		return fail(n, "dial: %v", err)
	}
	if !eventually(5*time.Second, func() bool { return n.said("added " + second.id()) }) {
		n.kill()
		return fail(n, "second was not added")
	}
	if !n.stop() {
		return fail(n, "we did not end with code 0")
	}
	c, err := newComet(dir, fresh(), options{home: n.home, pex: true})
	if err != nil {
		return fail(n, "they cannot use our home: %v", err)
	}
	defer c.stop()
	if c.id() != n.id() {
		return fail(n, "our key gives them %s, us %s", c.id(), n.id())
	}
	if !c.book.HasAddress(second.addr) {
		raw, _ := os.ReadFile(filepath.Join(n.home, "config", "addrbook.json"))
		return fail(n, "they do not see %s in our book: %s", second.address(), raw)
	}
	return ""
}

func filesWeLoad(dir string) string {
	third, err := newComet(dir, fresh(), options{pex: true})
	if err != nil {
		return err.Error()
	}
	defer third.stop()
	c, err := newComet(dir, fresh(), options{pex: true})
	if err != nil {
		return err.Error()
	}
	_ = c.book.AddAddress(third.addr, c.addr)
	c.book.Save()
	c.stop()
	n, err := startOursAt(c.home, any, "interop")
	if err != nil {
		return err.Error()
	}
	defer n.kill()
	if n.id() != c.id() {
		return fail(n, "their key gives us %s, them %s", n.id(), c.id())
	}
	if !eventually(40*time.Second, func() bool { return third.has(n.id()) }) {
		return fail(n, "we did not dial what their book holds")
	}
	return ""
}

// edit runs `switchyard book` on a home; what it says, when it fails.
func edit(home string, args ...string) string {
	args = append(append([]string{"book"}, args...), "--addr_book_strict=false", "--file", filepath.Join(home, "config", "addrbook.json"))
	out, err := exec.Command(os.Getenv("SWITCHYARD"), args...).CombinedOutput()
	if err != nil {
		return args[1] + ": " + err.Error() + ": " + string(out)
	}
	return ""
}

func filesTheyLoadEdited(dir string) string {
	const added, imported = "00000000000000000000000000000000000000aa@198.51.100.1:1", "00000000000000000000000000000000000000bb@[2a00::1]:2"
	const banned = "00000000000000000000000000000000000000cc@203.0.113.1:3"
	c, err := newComet(dir, fresh(), options{pex: true})
	if err != nil {
		return err.Error()
	}
	home := c.home
	theirs := addressOf("00000000000000000000000000000000000000dd@192.0.2.1:4")
	removed := addressOf("00000000000000000000000000000000000000ee@192.0.2.2:5")
	for _, a := range []*p2p.NetAddress{theirs, removed, addressOf(banned)} {
		if err := c.book.AddAddress(a, c.addr); err != nil {
			return "AddAddress: " + err.Error()
		}
	}
	c.book.Save()
	c.stop()
	list := filepath.Join(home, "list")
	_ = os.WriteFile(list, []byte(imported+" # from a list\n"), 0o600)
	for _, words := range [][]string{{"add", added}, {"import", list}, {"ban", string(banned[:40])}, {"remove", string(removed.ID)}} {
		if said := edit(home, words...); said != "" {
			return said
		}
	}
	c, err = newComet(dir, fresh(), options{home: home, pex: true})
	if err != nil {
		return "they cannot use the home: " + err.Error()
	}
	defer c.stop()
	for text, want := range map[string]bool{added: true, imported: true, theirs.String(): true, removed.String(): false, banned: false} {
		if c.book.HasAddress(addressOf(text)) != want {
			raw, _ := os.ReadFile(filepath.Join(home, "config", "addrbook.json"))
			return text + ": they see it, or not, against what was edited: " + string(raw)
		}
	}
	if c.book.Size() != 3 {
		return "they count another number of entries than 3"
	}
	return ""
}

func addressOf(text string) *p2p.NetAddress {
	a, err := p2p.NewNetAddressString(text)
	if err != nil {
		panic(err)
	}
	return a
}
