// Interop: Switchyard against the real packages of CometBFT. Prints TAP. Environment: SWITCHYARD (the program),
// INTEROP_DIR (this directory). Build with -tags v038 -modfile v038.mod for v0.38.26.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// interopCase is one case in one role, with a directory of its own; an empty string is success.
// A name that ends with ", we dial" or ", they dial" tells the role.
type interopCase struct {
	name string
	run  func(dir string) string
}

// stage is a list of cases of which so many run at a time. The stages of a lane follow each other; lanes run side by side.
type stage struct {
	width int
	cases []interopCase
}

var lanes = [][]stage{
	{
		{8, slices.Concat(upgradeCases, rejectCases, messageCases, pingCases, pexCases, seedCases, persistentCases, fileCases, crawlCases)},
		{3, rateCases},              // they measure: not while the others start their nodes
		{len(loadCases), loadCases}, // as the last: it would disturb them
	},
	{{len(networkCases), networkCases}}, // they mostly wait
	{{len(hostileCases), hostileCases}},
}

// patience is how long a case may take; one that hangs must not hide the others.
const patience = 200 * time.Second

func wanted(c interopCase) bool {
	return len(os.Args) < 2 || strings.Contains(c.name, os.Args[1])
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "-list" {
		for _, s := range slices.Concat(lanes...) {
			for _, c := range s.cases {
				fmt.Println(c.name)
			}
		}
		return
	}
	if len(os.Args) > 2 && os.Args[1] == "-capture" {
		if err := capture(os.Args[2]); err != nil {
			fmt.Println("Bail out!", err)
			os.Exit(3)
		}
		return
	}
	dir, err := os.MkdirTemp("", "interop")
	if err != nil {
		fmt.Println("Bail out!", err)
		os.Exit(3)
	}
	failed := runLanes(dir)
	killLeft()
	_ = os.RemoveAll(dir)
	if failed > 0 {
		os.Exit(1)
	}
}

// runLanes returns how many cases failed.
func runLanes(dir string) int {
	var all sync.WaitGroup
	var failed atomic.Int32
	for _, stages := range lanes {
		all.Add(1)
		go func() {
			defer all.Done()
			for _, s := range stages {
				failed.Add(runStage(dir, s))
			}
		}()
	}
	all.Wait()
	return int(failed.Load())
}

// runStage prints each case's verdict when it is known.
func runStage(dir string, s stage) int32 {
	var all sync.WaitGroup
	var failed atomic.Int32
	slots := make(chan struct{}, s.width)
	for _, c := range s.cases {
		if !wanted(c) {
			continue
		}
		slots <- struct{}{}
		all.Add(1)
		go func() {
			defer func() { <-slots; all.Done() }()
			own, why := runCase(dir, c)
			if why != "" {
				failed.Add(1)
			}
			report(c, own, why)
		}()
	}
	all.Wait()
	return failed.Load()
}

// runCase gives the case its directory and its time.
func runCase(dir string, c interopCase) (string, string) {
	own, err := os.MkdirTemp(dir, "case")
	if err != nil {
		return dir, err.Error()
	}
	verdict := make(chan string, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				verdict <- fmt.Sprintf("panic: %v", r)
			}
		}()
		verdict <- c.run(own)
	}()
	select {
	case why := <-verdict:
		return own, why
	case <-time.After(patience):
		return own, fmt.Sprintf("did not end within %v", patience)
	}
}

// note prints a figure that a case has measured.
func note(format string, args ...interface{}) {
	fmt.Printf("# "+cometVersion+": "+format+"\n", args...)
}

// report prints the verdict; of a failure also the last lines of the logs that its CometBFT sides left in its directory.
func report(c interopCase, dir, why string) {
	if why == "" {
		fmt.Printf("ok - %s: %s\n", cometVersion, c.name)
		return
	}
	logs, _ := filepath.Glob(filepath.Join(dir, "*", "comet.log"))
	for _, path := range logs[:min(len(logs), 4)] {
		raw, _ := os.ReadFile(path)
		lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
		why += "\n" + path + ":\n" + strings.Join(lines[max(0, len(lines)-12):], "\n")
	}
	fmt.Printf("# %s\nnot ok - %s: %s\n", strings.ReplaceAll(why, "\n", "\n# "), cometVersion, c.name)
}
