package main

// Crawling: `switchyard crawl` walks a network of theirs.

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/cometbft/cometbft/p2p"
)

var crawlCases = []interopCase{
	{"crawl: their nodes, what they say, and whom they know", crawlTheirs},
	{"crawl: a node of theirs on another network is shown, too", crawlAnother},
}

type crawlEntry struct {
	Id, Outcome, Error, Network, Version, Moniker, Channels string
	P2p                                                     uint64 `json:"p2p_version"`
	Block                                                   uint64 `json:"block_version"`
	Answered                                                bool
	HungUp                                                  bool `json:"hung_up"`
	Gave, Depth                                             int
}

func crawl(args ...string) (map[string]crawlEntry, error) {
	cmd := exec.Command(os.Getenv("SWITCHYARD"), append([]string{"crawl", "--addr_book_strict=false", "--quiet"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if _, exit := err.(*exec.ExitError); err != nil && !exit {
		return nil, err
	}
	var found struct{ Nodes []crawlEntry }
	if err := json.Unmarshal(out, &found); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	by := map[string]crawlEntry{}
	for _, n := range found.Nodes {
		by[n.Id] = n
	}
	return by, nil
}

func crawlTheirs(dir string) string {
	known, err := newComet(dir, fresh(), options{pex: true, moniker: "known"})
	if err != nil {
		return err.Error()
	}
	defer known.stop()
	seed, err := newComet(dir, fresh(), options{pex: true, seedMode: true, moniker: "seed"})
	if err != nil {
		return err.Error()
	}
	defer seed.stop()
	if err := seed.book.AddAddress(known.addr, known.addr); err != nil {
		return "AddAddress: " + err.Error()
	}
	dead := addressOf("00000000000000000000000000000000000000aa@127.0.0.1:1")
	if err := seed.book.AddAddress(dead, dead); err != nil {
		return "AddAddress: " + err.Error()
	}
	by, err := crawl(seed.address()) // network and versions come from the seed
	if err != nil {
		return err.Error()
	}
	s, k, d := by[seed.id()], by[known.id()], by[string(dead.ID)]
	if s.Outcome != "reachable" || !s.Answered || !s.HungUp || s.Gave < 2 || s.Network != "interop" || s.Block != seedBlock(seed) {
		return fmt.Sprintf("their seed: %+v", s)
	}
	if k.Outcome != "reachable" || !k.Answered || k.HungUp || k.Depth != 1 || k.Moniker != "known" || k.Version == "" || k.P2p == 0 {
		return fmt.Sprintf("the node that it knows: %+v", k)
	}
	if d.Outcome != "unreachable" {
		return fmt.Sprintf("the dead one: %+v", d)
	}
	time.Sleep(200 * time.Millisecond)
	for _, c := range []*comet{known, seed} {
		if n := c.book.Size(); n > 3 {
			return fmt.Sprintf("%s has %d addresses: the crawler is among them", c.id(), n)
		}
	}
	return ""
}

func seedBlock(c *comet) uint64 { return c.sw.NodeInfo().(p2p.DefaultNodeInfo).ProtocolVersion.Block }

func crawlAnother(dir string) string {
	c, err := newComet(dir, fresh(), options{pex: true, network: "elsewhere"})
	if err != nil {
		return err.Error()
	}
	defer c.stop()
	by, err := crawl(c.address(), "--network", "interop")
	if err != nil {
		return err.Error()
	}
	if n := by[c.id()]; n.Outcome != "refused" || n.Error != "peer_network" || n.Network != "elsewhere" {
		return fmt.Sprintf("%+v", n)
	}
	return ""
}
