#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Is a file what Prometheus's text format says, and what docs/metrics.md says?

Usage: promcheck.py FILE [--doc FILE [--all]] [--since FILE]

--doc: each metric is listed there, with its type and labels; --all: and each that
is listed there is in the file. --since: no counter is less than in an older file,
nor missing. Says what is wrong, a line each; status 1 then.

https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4),
https://prometheus.io/docs/practices/naming/
"""
import math
import re
import sys

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
WRONG_UNITS = {"ms", "us", "ns", "milliseconds", "microseconds", "nanoseconds", "minutes",
               "kb", "mb", "kib", "mib", "bits", "kbit", "mbit", "percent", "count"}
wrong = []


def bad(text):
    wrong.append(text)


def parse_labels(text, where):
    """The labels behind a name, and what follows them."""
    labels, at = {}, 1
    while text[at:at + 1] != "}":
        m = LABEL.match(text, at)
        if not m or m[0].startswith("__") or text[m.end():m.end() + 2] != '="':
            bad(f"{where}: no label where one has to be: {text[at:at + 20]!r}")
            return labels, ""
        if m[0] in labels:
            bad(f"{where}: label {m[0]} stands twice")
        at, value = m.end() + 2, ""
        while at < len(text) and text[at] != '"':
            if text[at] == "\\":
                at += 1
                if text[at:at + 1] not in ("\\", '"', "n"):
                    bad(f"{where}: an escape that there is not: \\{text[at:at + 1]}")
                    return labels, ""
            value += text[at]
            at += 1
        if at >= len(text):
            bad(f"{where}: a label's value without end")
            return labels, ""
        labels[m[0]] = value
        at += 1
        if text[at:at + 1] == ",":
            at += 1
        elif text[at:at + 1] != "}":
            bad(f"{where}: neither comma nor brace behind a label")
            return labels, ""
    return labels, text[at + 1:]


class Metric:
    def __init__(self, name, help_text):
        self.name, self.help, self.type = name, help_text, None
        self.samples = {}


def check_name(m, where):
    parts = m.name.split("_")
    if parts[0] != "toe":
        bad(f"{where}: {m.name} has not the prefix toe_")
    if (m.type == "counter") != (parts[-1] == "total"):
        bad(f"{where}: {m.name}: _total belongs behind counters, and only there")
    if parts[-1] in WRONG_UNITS or (parts[-1] == "total" and parts[-2] in WRONG_UNITS):
        bad(f"{where}: {m.name} has no base unit")


def parse(path):
    metrics, current = {}, None
    raw = open(path, "rb").read()
    text = raw.decode()         # or an exception: it has to be UTF-8
    if not text.endswith("\n"):
        bad("the last line has no end")
    for number, line in enumerate(text.split("\n")[:-1], 1):
        where = f"{path}:{number}"
        if line.startswith("# HELP "):
            words = line[7:].split(" ", 1)
            if len(words) != 2 or not words[1].strip() or not NAME.fullmatch(words[0]):
                bad(f"{where}: HELP without name or words")
                continue
            if re.search(r"\\(?![\\n])", words[1]):
                bad(f"{where}: an escape in HELP that there is not")
            if words[0] in metrics:
                bad(f"{where}: {words[0]} stands in two places")
            current = metrics[words[0]] = Metric(*words)
        elif line.startswith("# TYPE "):
            words = line[7:].split(" ")
            if not current or words[0] != current.name or current.type or current.samples:
                bad(f"{where}: TYPE does not follow its HELP")
                continue
            if len(words) != 2 or words[1] not in ("counter", "gauge"):
                bad(f"{where}: no type of ours: {line}")
            current.type = words[-1]
            check_name(current, where)
        elif line.startswith("#") or not line:
            bad(f"{where}: neither a sample nor HELP nor TYPE")
        else:
            m = NAME.match(line)
            if not m or not current or m[0] != current.name or not current.type:
                bad(f"{where}: a sample that does not stand behind its TYPE: {line}")
                continue
            rest, labels = line[m.end():], {}
            if rest.startswith("{"):
                labels, rest = parse_labels(rest, where)
            if not re.fullmatch(r" [+-]?(\d+(\.\d+)?(e[+-]?\d+)?|Inf|NaN)", rest):
                bad(f"{where}: no value, or more than that: {rest!r}")
                continue
            value, key = float(rest), tuple(sorted(labels.items()))
            if key in current.samples:
                bad(f"{where}: the same sample twice")
            if current.type == "counter" and not (value >= 0 and math.isfinite(value)):
                bad(f"{where}: a counter of {rest}")
            current.samples[key] = value
    for m in metrics.values():
        if len({tuple(k for k, _ in key) for key in m.samples}) > 1:
            bad(f"{path}: {m.name}: samples with different labels")
    return metrics


def parse_doc(path):
    """Rows "| `name` | type | unit | labels | meaning |" """
    rows = {}
    for line in open(path):
        cells = [c.strip(" `\n") for c in line.strip().strip("|").split("|")]
        if len(cells) == 5 and cells[0].startswith("toe_"):
            if cells[0] in rows:
                bad(f"{path}: {cells[0]} stands twice")
            labels = tuple(sorted(w.strip(" `,") for w in cells[3].split(",") if w.strip(" `,-")))
            rows[cells[0]] = cells[1], cells[2], labels
    return rows


def check_doc(metrics, path, everything):
    rows = parse_doc(path)
    for m in metrics.values():
        if m.name not in rows:
            bad(f"{path} does not list {m.name}")
            continue
        kind, unit, labels = rows[m.name]
        if kind != m.type:
            bad(f"{path}: {m.name} is a {m.type}")
        for base in ("bytes", "seconds"):
            if (base in m.name.split("_")) != (unit == base):
                bad(f"{path}: {m.name}: unit {unit}")
        for key in m.samples:
            if tuple(k for k, _ in key) != labels:
                bad(f"{path}: {m.name} has the labels {[k for k, _ in key]}")
                break
    for name in rows:
        if everything and name not in metrics:
            bad(f"{path} lists {name}, which is not there")


def check_since(metrics, before):
    for m in before.values():
        for key, value in m.samples.items() if m.type == "counter" else ():
            now = metrics[m.name].samples.get(key) if m.name in metrics else None
            if now is None or now < value:
                bad(f"{m.name}{dict(key)} was {value}, is {now}")


def main(words):
    metrics = parse(words[0])
    if "--doc" in words:
        check_doc(metrics, words[words.index("--doc") + 1], "--all" in words)
    if "--since" in words:
        check_since(metrics, parse(words[words.index("--since") + 1]))
    for line in wrong:
        print(line)
    return bool(wrong)


sys.exit(main(sys.argv[1:]))
