#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# How each test of a JUnit file ended, a line each: TEST OUTCOME
import sys
import xml.etree.ElementTree

OUTPUT = ("system-out", "system-err")

lines = []
for case in xml.etree.ElementTree.parse(sys.argv[1]).iter("testcase"):
    ends = [e.tag for e in case if e.tag not in OUTPUT]
    lines.append(case.get("name") + " " + (",".join(sorted(ends)) or "ok"))
print("\n".join(sorted(lines)))
