#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What is in a pcapng file of one connection.

    frames.py FILE LOCAL-ADDRESS PORT REMOTE-ADDRESS PORT [SENT RECEIVED]

Reads every frame and checks: it is of the connection, its direction flag agrees
with its addresses, lengths and checksums are right (of frames that are whole),
times do not go back by more than a second. SENT and RECEIVED are SEED:POSITION
of the byte stream each way, POSITION that of the first byte in the file: then
the bytes are compared with the actors' pattern, too.

Prints "ok" or "error: WHAT", then numbers as KEY=VALUE on the same line.
"""
import ipaddress
import struct
import sys

MASK = (1 << 64) - 1


def pattern(seed, pos, length):
    first, last = pos // 8, (pos + length + 7) // 8
    out = bytearray()
    for index in range(first, last):
        z = ((seed << 32) + (index + 1) * 0x9e3779b97f4a7c15) & MASK
        z = ((z ^ (z >> 30)) * 0xbf58476d1ce4e5b9) & MASK
        z = ((z ^ (z >> 27)) * 0x94d049bb133111eb) & MASK
        out += struct.pack("<Q", z ^ (z >> 31))
    return bytes(out[pos - 8 * first:pos - 8 * first + length])


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def options(data):
    found = {}
    while len(data) >= 4:
        code, length = struct.unpack_from("=HH", data)
        if not code:
            break
        found[code] = data[4:4 + length]
        data = data[4 + (length + 3) // 4 * 4:]
    return found


def blocks(data):
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("=II", data, at)
        if length < 12 or at + length > len(data):
            raise ValueError("a block is cut short")
        if struct.unpack_from("=I", data, at + length - 4)[0] != length:
            raise ValueError("a block's two lengths differ")
        yield kind, data[at + 8:at + length - 4]
        at += length


class Stream:
    """One way: the bytes by their place behind the first one."""

    def __init__(self):
        self.base = None
        self.pieces = {}
        self.frames = 0
        self.largest = 0
        self.flags = 0

    def take(self, seq, payload, whole, flags):
        self.frames += 1
        self.flags |= flags
        if not whole:
            return
        self.largest = max(self.largest, len(payload))
        if not payload:
            return
        if self.base is None:
            self.base = seq
        at = (seq - self.base + (1 << 31)) % (1 << 32) - (1 << 31)
        if len(payload) > len(self.pieces.get(at, b"")):
            self.pieces[at] = payload

    def bytes(self):
        """All of it, or what there is before the first gap."""
        out, first, gaps = bytearray(), None, 0
        for at in sorted(self.pieces):
            if first is None:
                first = at
            have = first + len(out)
            if at > have:
                gaps += 1
                break
            piece = self.pieces[at]
            same = piece[:have - at]
            if out[at - first:have - first][:len(same)] != same:
                raise ValueError("a retransmission has other bytes")
            out += piece[have - at:]
        return bytes(out), gaps


def parse(frame, length):
    """addresses and ports, sequence number, payload, flags; checks on the way"""
    whole = len(frame) == length
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == 0x0800:
        ip = frame[14:34]
        if ip[0] != 0x45 or ip[9] != 6:
            raise ValueError("no TCP over IPv4")
        if struct.unpack_from("!H", ip, 2)[0] != length - 14:
            raise ValueError("the IPv4 length is wrong")
        if checksum(ip) != 0xffff:
            raise ValueError("the IPv4 checksum is wrong")
        src, dst, at = ip[12:16], ip[16:20], 34
    elif kind == 0x86dd:
        ip = frame[14:54]
        if ip[6] != 6:
            raise ValueError("no TCP over IPv6")
        if struct.unpack_from("!H", ip, 4)[0] != length - 54:
            raise ValueError("the IPv6 length is wrong")
        src, dst, at = ip[8:24], ip[24:40], 54
    else:
        raise ValueError("neither IPv4 nor IPv6")
    tcp = frame[at:]
    if whole and checksum(src + dst + struct.pack("!HH", 6, len(tcp)) + tcp) != 0xffff:
        raise ValueError("the TCP checksum is wrong")
    if len(tcp) < 20:
        return None
    sport, dport, seq, _, head, flags = struct.unpack_from("!HHIIBB", tcp)
    return ((ipaddress.ip_address(src), sport), (ipaddress.ip_address(dst), dport),
            seq, tcp[(head >> 4) * 4:], flags, whole)


def read(path, local, remote):
    sent, received = Stream(), Stream()
    found = {"engines": [], "drops": 0, "stats": 0, "isb_frames": 0, "isb_drops": 0,
             "cut": 0, "longest": 0}
    newest = 0
    with open(path, "rb") as f:
        data = f.read()
    for kind, body in blocks(data):
        if kind == 1:
            opts = options(body[8:])
            found["engines"].append(opts[2].decode())
            if opts[9] != b"\x09":
                raise ValueError("no nanoseconds")
        elif kind == 5:
            opts = options(body[12:])
            found["stats"] += 1
            found["isb_frames"] += struct.unpack("=Q", opts[8])[0]
            found["isb_drops"] += struct.unpack("=Q", opts[5])[0]
        elif kind == 6:
            _, high, low, caplen, length = struct.unpack_from("=IIIII", body)
            frame = body[20:20 + caplen]
            opts = options(body[20 + (caplen + 3) // 4 * 4:])
            when = high << 32 | low
            if when + 10**9 < newest:
                raise ValueError("the time goes back")
            newest = max(newest, when)
            found["drops"] += struct.unpack("=Q", opts[4])[0] if 4 in opts else 0
            found["cut"] += caplen < length
            found["longest"] = max(found["longest"], caplen)
            out = struct.unpack("=I", opts[2])[0] & 3 == 2
            parsed = parse(frame, length)
            if not parsed:
                (sent if out else received).frames += 1
                continue
            src, dst, seq, payload, flags, whole = parsed
            if (src, dst) != ((local, remote) if out else (remote, local)):
                raise ValueError("%s > %s is not of the connection, or its direction is wrong"
                                 % (src, dst))
            (sent if out else received).take(seq, payload, whole, flags)
    return sent, received, found


def main():
    path, laddr, lport, raddr, rport = sys.argv[1:6]
    verdict, numbers = "ok", {}
    try:
        sent, received, found = read(path, (ipaddress.ip_address(laddr), int(lport)),
                                     (ipaddress.ip_address(raddr), int(rport)))
        for name, stream, want in zip(("sent", "received"), (sent, received),
                                      (sys.argv[6:8] + [None, None])[:2]):
            data, gaps = stream.bytes()
            numbers.update({name: stream.frames, name + "_bytes": len(data),
                            name + "_gaps": gaps, name + "_mss": stream.largest,
                            name + "_flags": "0x%02x" % stream.flags})
            if want:
                seed, pos = map(int, want.split(":"))
                if data != pattern(seed, pos, len(data)):
                    verdict = "error: the bytes %s are not the stream's" % name
        numbers["engines"] = ",".join(found.pop("engines"))
        numbers.update(found)
    except (ValueError, KeyError, struct.error) as e:
        verdict = "error: %s" % e
    print(verdict, *("%s=%s" % pair for pair in numbers.items()))
    return verdict != "ok"


sys.exit(main())
