// Interop: Switchyard against the real packages of CometBFT. Prints TAP. Environment: SWITCHYARD (the program),
// INTEROP_DIR (this directory). Build with -tags v038 -modfile v038.mod for v0.38.26.
package main

import (
	"fmt"
	"os"
	"strings"
)

// result of one case: an empty string is success.
type interopCase struct {
	name string
	run  func(dir string) string
}

func main() {
	dir, err := os.MkdirTemp("", "interop")
	if err != nil {
		fmt.Println("Bail out!", err)
		os.Exit(3)
	}
	defer os.RemoveAll(dir)
	failed := 0
	for _, c := range append(cases, networkCases...) {
		if len(os.Args) > 1 && !strings.Contains(c.name, os.Args[1]) {
			continue
		}
		if why := c.run(dir); why != "" {
			failed++
			fmt.Printf("# %s\nnot ok - %s: %s\n", strings.ReplaceAll(why, "\n", "\n# "), cometVersion, c.name)
		} else {
			fmt.Printf("ok - %s: %s\n", cometVersion, c.name)
		}
	}
	if failed > 0 {
		os.Exit(1)
	}
}
