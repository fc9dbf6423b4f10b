package main

// A whole CometBFT node inside this process: consensus, mempool, evidence, blocksync, statesync and PEX over the kvstore application.

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	dbm "github.com/cometbft/cometbft-db"

	"github.com/cometbft/cometbft/abci/example/kvstore"
	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/proxy"
	"github.com/cometbft/cometbft/types"
)

// validator is one member of a chain: its home and, once started, its node.
type validator struct {
	home string
	cfg  *config.Config
	pv   *privval.FilePV
	key  *p2p.NodeKey
	port int
	ip   string
	node *node.Node
}

func (v *validator) address() string {
	return fmt.Sprintf("%s@%s:%d", v.key.ID(), v.ip, v.port)
}

func (v *validator) height() int64 { return v.node.BlockStore().Height() }

func (v *validator) stop() {
	if v.node != nil && v.node.IsRunning() {
		_ = v.node.Stop()
		v.node.Wait()
	}
}

// freePort takes a port of this address and gives it back: the node info needs it before the node listens.
func freePort(ip string) (int, error) {
	l, err := net.Listen("tcp", ip+":0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// newValidator makes a home as `cometbft init` does: config.toml, node_key.json and the validator's key.
func newValidator(dir, ip string, change func(*config.Config)) (*validator, error) {
	home, err := os.MkdirTemp(dir, "validator")
	if err != nil {
		return nil, err
	}
	config.EnsureRoot(home)
	port, err := freePort(ip)
	if err != nil {
		return nil, err
	}
	cfg := config.DefaultConfig().SetRoot(home)
	cfg.Moniker = "validator"
	cfg.RPC.ListenAddress = ""
	cfg.TxIndex.Indexer = "null"
	cfg.Consensus.TimeoutPropose = 500 * time.Millisecond
	cfg.Consensus.TimeoutCommit = 500 * time.Millisecond
	cfg.P2P.ListenAddress = fmt.Sprintf("tcp://%s:%d", ip, port)
	cfg.P2P.AddrBookStrict = false
	cfg.P2P.AllowDuplicateIP = true // whoever dials on loopback comes from 127.0.0.1
	if change != nil {
		change(cfg)
	}
	config.WriteConfigFile(filepath.Join(home, "config", "config.toml"), cfg)
	key, err := p2p.LoadOrGenNodeKey(cfg.NodeKeyFile())
	if err != nil {
		return nil, err
	}
	pv := privval.LoadOrGenFilePV(cfg.PrivValidatorKeyFile(), cfg.PrivValidatorStateFile())
	return &validator{home: home, cfg: cfg, pv: pv, key: key, ip: ip, port: port}, nil
}

// chainOf is the genesis of a chain whose members have equal power; it is written into every home.
func chainOf(network string, members []*validator) (*types.GenesisDoc, error) {
	doc := &types.GenesisDoc{ChainID: network, GenesisTime: time.Now(), ConsensusParams: types.DefaultConsensusParams()}
	for _, v := range members {
		pub, err := v.pv.GetPubKey()
		if err != nil {
			return nil, err
		}
		doc.Validators = append(doc.Validators, types.GenesisValidator{Address: pub.Address(), PubKey: pub, Power: 10})
	}
	if err := doc.ValidateAndComplete(); err != nil {
		return nil, err
	}
	for _, v := range members {
		if err := doc.SaveAs(v.cfg.GenesisFile()); err != nil {
			return nil, err
		}
	}
	return doc, nil
}

func (v *validator) start(doc *types.GenesisDoc) error {
	logger := log.NewNopLogger()
	if os.Getenv("COMET_LOG") != "" {
		logger = log.NewTMLogger(os.Stderr).With("node", v.address())
	}
	var err error
	v.node, err = node.NewNode(v.cfg, v.pv, v.key, proxy.NewLocalClientCreator(kvstore.NewInMemoryApplication()),
		func() (*types.GenesisDoc, error) { return doc, nil },
		func(*config.DBContext) (dbm.DB, error) { return dbm.NewMemDB(), nil },
		node.DefaultMetricsProvider(v.cfg.Instrumentation), logger)
	if err != nil {
		return err
	}
	return v.node.Start()
}
