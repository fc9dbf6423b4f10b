package main

// Whole networks: chains of CometBFT nodes and ours among them.

import (
	"fmt"
	"time"

	"github.com/cometbft/cometbft/config"
)

var networkCases = []interopCase{
	{"four validators that know only our seed make blocks", validatorsBehindSeed},
}

// startSeed runs `switchyard seed` of this network.
func startSeed(dir, network, ip string, args ...string) (*ours, error) {
	return launch(dir, append([]string{"seed", "--home", dir, "--network", network, "--p2p.laddr", "tcp://" + ip + ":0",
		"--p2p.addr_book_strict=false", "--p2p.allow_duplicate_ip=true"}, args...)...)
}

func validatorsBehindSeed(dir string) string {
	const network, wanted = "fourfold", 3
	seed, err := startSeed(dir+"/fourfold-seed", network, "127.10.0.1")
	if err != nil {
		return err.Error()
	}
	defer seed.kill()
	var members []*validator
	for i := 0; i < 4; i++ {
		v, err := newValidator(dir, fmt.Sprintf("127.%d.0.1", 11+i), func(c *config.Config) { c.P2P.Seeds = seed.address() })
		if err != nil {
			return err.Error()
		}
		members = append(members, v)
	}
	doc, err := chainOf(network, members)
	if err != nil {
		return err.Error()
	}
	for _, v := range members {
		if err := v.start(doc); err != nil {
			return err.Error()
		}
		defer v.stop()
	}
	lowest := func() int64 {
		low := members[0].height()
		for _, v := range members[1:] {
			low = min(low, v.height())
		}
		return low
	}
	if !eventually(80*time.Second, func() bool { return lowest() >= wanted }) {
		return fail(seed, "the lowest height is %d, not %d", lowest(), wanted)
	}
	return ""
}
