#!/usr/bin/env python3
"""httpget.py METHOD URL: the status on standard error, the body on standard output. HOLD: opens a connection and says
nothing until it is killed or hung up on."""
import http.client
import socket
import sys
import urllib.parse

method, url = sys.argv[1], urllib.parse.urlsplit(sys.argv[2])
if method == "HOLD":
    with socket.create_connection((url.hostname, url.port)) as s:
        s.sendall(b"GET / HT")
        print("held", file=sys.stderr, flush=True)
        s.recv(1)
    sys.exit(0)
conn = http.client.HTTPConnection(url.hostname, url.port, timeout=5)
conn.request(method, url.path or "/", body=b"x" if method == "POST" else None)
answer = conn.getresponse()
print(answer.status, file=sys.stderr)
sys.stdout.buffer.write(answer.read())
