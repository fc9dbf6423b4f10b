//go:build !v038

package main

import "github.com/cometbft/cometbft/p2p"

const cometVersion = "v0.40.0"

// upstreamProfile is ours that behaves as this version.
const upstreamProfile = "upstream"

// SetSwitch takes the concrete switch in v0.38 and an interface in v0.40.
func (r *probe) SetSwitch(sw p2p.Switcher) { r.BaseReactor.SetSwitch(sw) }

func (r *rude) SetSwitch(sw p2p.Switcher) { r.BaseReactor.SetSwitch(sw) }
