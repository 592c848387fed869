#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Many connections that do little.

    crowd.py listen ADDRESS PORT            sends back what it gets
    crowd.py connect ADDRESS[,ADDRESS]... PORT COUNT
                                            then, from standard input:
        talk BYTES  each connection sends so many and gets them back
        end
The connections take the addresses in turn; who listens on :: has both families.
Answers are "ok", or "error ..." on a line.
"""
import os
import resource
import selectors
import socket
import sys


def listen(address, port):
    events = selectors.DefaultSelector()
    door = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind((address, port))
    door.listen(4096)
    print("ok", flush=True)
    events.register(door, selectors.EVENT_READ)
    while True:
        for key, _ in events.select():
            if key.fileobj is door:
                events.register(door.accept()[0], selectors.EVENT_READ)
                continue
            data = key.fileobj.recv(65536)
            if data:
                key.fileobj.sendall(data)
            else:
                events.unregister(key.fileobj)
                key.fileobj.close()


def talk(crowd, size):
    sent = []
    for s in crowd:
        sent.append(os.urandom(size))
        s.sendall(sent[-1])
    for s, want in zip(crowd, sent):
        got = b""
        while len(got) < size:
            data = s.recv(size - len(got))
            if not data:
                raise OSError("a connection ended")
            got += data
        if got != want:
            raise OSError("a connection brought other bytes back")


def connect(addresses, port, count):
    crowd = [socket.create_connection((addresses[n % len(addresses)], port), 20)
             for n in range(count)]
    print("ok", flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "end":
            for s in crowd:
                s.close()
            print("ok", flush=True)
            return
        try:
            talk(crowd, int(words[1]))
            print("ok", flush=True)
        except OSError as e:
            print("error", e, flush=True)


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
    words = sys.argv[1:]
    if len(words) == 3 and words[0] == "listen":
        listen(words[1], int(words[2]))
    elif len(words) == 4 and words[0] == "connect":
        connect(words[1].split(","), int(words[2]), int(words[3]))
    else:
        sys.exit(__doc__)


main()
