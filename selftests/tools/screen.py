#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A terminal for a program: what it draws, what it leaves behind.

Usage: screen.py COMMAND WORD...

The program gets a terminal of its own. A line from standard input, a line back
("ok ..." or "error ..."):

    size COLUMNS ROWS	the terminal has this size now
    key TEXT		somebody presses these keys
    signal NAME		the program gets a signal
    see TEXT		wait until this is on the screen
    gone TEXT		wait until this is not on the screen
    line N		the line of that number, from 1 on, as it is now
    widest		the longest line that was ever drawn, for the size at that time
    wrapped		how often a line was longer than the terminal
    settings		are the terminal's settings those of the beginning?
    main		is the main screen shown, with its cursor and wrapping?
    stopped		wait until the program is stopped
    end			wait until it has ended: its status, or the signal's name
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

PATIENCE = 15


class Screen:
    """As much of a terminal as is asked of it."""

    def __init__(self):
        self.cols, self.rows = 80, 24
        self.other, self.cursor, self.wraps = False, True, True
        self.wrapped = self.widest = 0
        self.rest = ""
        self.clear()

    def clear(self):
        self.lines = [""] * self.rows
        self.x = self.y = 0

    def put(self, c):
        if self.x >= self.cols:
            self.wrapped += 1
            return
        line = self.lines[self.y].ljust(self.x)
        self.lines[self.y] = line[:self.x] + c + line[self.x + 1:]
        self.x += 1
        self.widest = max(self.widest, self.x)

    def mode(self, number, on):
        if number == 1049:
            self.other = on
            self.clear()
        elif number == 25:
            self.cursor = on
        elif number == 7:
            self.wraps = on

    def feed(self, text):
        text = self.rest + text
        self.rest = ""
        at = 0
        while at < len(text):
            c = text[at]
            if c == "\033":
                m = re.match(r"\033\[(\??)(\d*)([A-Za-z])", text[at:])
                if not m:
                    self.rest = text[at:]
                    return
                at += m.end()
                if m[1]:
                    self.mode(int(m[2]), m[3] == "h")
                elif m[3] == "H":
                    self.x = self.y = 0
                elif m[3] == "K":
                    self.lines[self.y] = self.lines[self.y][:self.x]
                elif m[3] == "J":
                    self.lines[self.y] = self.lines[self.y][:self.x]
                    for y in range(self.y + 1, self.rows):
                        self.lines[y] = ""
                continue
            if c == "\r":
                self.x = 0
            elif c == "\n":
                if self.y == self.rows - 1:
                    self.lines = self.lines[1:] + [""]
                    if self.other:
                        self.wrapped += 1	# the picture was too high
                else:
                    self.y += 1
            else:
                self.put(c)
            at += 1


def main():
    screen = Screen()
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)

    def resize(cols, rows):
        screen.cols, screen.rows = cols, rows
        screen.clear()
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    resize(80, 24)
    pid = os.fork()
    if not pid:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in range(3):
            os.dup2(slave, fd)
        os.closerange(3, 1024)
        os.environ["TERM"] = "xterm"
        for name in ("SIGINT", "SIGQUIT", "SIGTSTP", "SIGPIPE"):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        try:
            os.execvp(sys.argv[1], sys.argv[1:])
        finally:
            os._exit(127)
    status = None

    def pump(ms):
        if select.select([master], [], [], ms / 1000)[0]:
            try:
                screen.feed(os.read(master, 65536).decode(errors="replace"))
            except OSError:
                time.sleep(ms / 1000)

    def until(what):
        end = time.monotonic() + PATIENCE
        while not what():
            if time.monotonic() > end:
                return False
            pump(50)
        return True

    def has(text):
        return any(text in line for line in screen.lines)

    def waited(flags):
        nonlocal status
        if status is None:
            got, state = os.waitpid(pid, os.WNOHANG | flags)
            if got and os.WIFSTOPPED(state):
                return "stopped"
            if got:
                status = state
        return "ended" if status is not None else None

    def answer(words):
        what, arg = words[0], " ".join(words[1:])
        if what == "size":
            # What is drawn for the old size must not count against the new one.
            resize(int(words[1]), int(words[2]))
            until_quiet()
            screen.wrapped = screen.widest = 0
            return "ok"
        if what == "key":
            os.write(master, arg.encode().decode("unicode_escape").encode())
            return "ok"
        if what == "signal":
            os.kill(pid, getattr(signal, arg))
            return "ok"
        if what == "see":
            return "ok" if until(lambda: has(arg)) else f"error screen: {screen.lines}"
        if what == "gone":
            return "ok" if until(lambda: not has(arg)) else f"error screen: {screen.lines}"
        if what == "line":
            pump(0)
            return "ok " + screen.lines[int(arg) - 1]
        if what == "widest":
            return f"ok {screen.widest}"
        if what == "wrapped":
            return f"ok {screen.wrapped}"
        if what == "settings":
            return "ok" if termios.tcgetattr(slave) == before else "error"
        if what == "main":
            ok = until(lambda: not screen.other and screen.cursor and screen.wraps)
            return "ok" if ok else "error"
        if what == "stopped":
            return "ok" if until(lambda: waited(os.WUNTRACED) == "stopped") else "error"
        if what == "end":
            if not until(lambda: waited(0)):
                return "error it does not end"
            if os.WIFSIGNALED(status):
                return "ok " + signal.Signals(os.WTERMSIG(status)).name
            return f"ok {os.WEXITSTATUS(status)}"
        return "error unknown word"

    def until_quiet():
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            pump(50)

    print("ok", flush=True)
    try:
        text = ""
        while True:
            if not select.select([0, master], [], [])[0]:
                continue
            if 0 not in select.select([0, master], [], [], 0)[0]:
                pump(10)
                continue
            chunk = os.read(0, 4096).decode()
            if not chunk:
                break
            text += chunk
            while "\n" in text:
                line, text = text.split("\n", 1)
                if line == "quit":
                    return
                print(answer(line.split()), flush=True)
    finally:
        if status is None:
            os.kill(pid, signal.SIGKILL)
            os.kill(pid, signal.SIGCONT)


main()
