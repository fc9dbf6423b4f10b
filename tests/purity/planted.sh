#!/bin/sh
# The bugs that are kept as patches still go into the code, and the table of what found them is complete. Whether they are still
# found is part `bugs` of tests/deep.sh.
cd "$(dirname "$0")/../.." || exit 3
exec python3 tests/planted/hunt.py check
