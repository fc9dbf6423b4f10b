#!/usr/bin/env python3
"""stalled.py GO LOG COMMAND...: runs COMMAND with standard error on a small pipe. It is read up to where the metrics are,
then by nobody until the file GO is there, then to its end; all of it goes to LOG, and COMMAND's exit code is ours. LOG.pid
has its process id."""
import fcntl
import os
import subprocess
import sys
import time

F_SETPIPE_SZ = 1031
go, log, command = sys.argv[1], sys.argv[2], sys.argv[3:]
read, write = os.pipe()
fcntl.fcntl(write, F_SETPIPE_SZ, 4096)
child = subprocess.Popen(command, stderr=write)
os.close(write)
with open(log + ".pid", "w") as f:
    print(child.pid, file=f)
with open(log, "wb", buffering=0) as to:
    seen, some = b"", b"x"
    while some and b"/metrics" not in seen:
        some = os.read(read, 256)
        seen += some
        to.write(some)
    while not os.path.exists(go) and child.poll() is None:
        time.sleep(0.05)
    while some:
        some = os.read(read, 65536)
        to.write(some)
sys.exit(child.wait())
