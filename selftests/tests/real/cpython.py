#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# Runs tests of CPython and says how each ended, a line each: TEST OUTCOME
#
# Usage: cpython.py FILE NAME...
# NAME as unittest wants it, without "test."; with a "-" in front: not this one
#
# What fails is run once more, alone, as python3 -m test --rerun does: many of these tests
# reckon with how fast things are. "again: TEST" on standard error says so. What
# python3 -m test does besides takes most of its time on an emulated machine.
import faulthandler
import sys
import unittest
from test import support


class Outcomes(unittest.TextTestResult):
    def counts(self):
        return {"failed": len(self.failures) + len(self.errors) + len(self.unexpectedSuccesses),
                "skipped": len(self.skipped)}

    def startTest(self, test):
        super().startTest(test)
        self.before = self.counts()

    def stopTest(self, test):
        super().stopTest(test)
        now = self.counts()
        ends = [end for end in now if now[end] > self.before[end]]
        outcomes[test.id()] = ",".join(ends) or "ok"


def run(names):
    tests = unittest.defaultTestLoader.loadTestsFromNames(names)
    unittest.TextTestRunner(resultclass=Outcomes, verbosity=0).run(without(tests))


def without(tests):
    suite = unittest.TestSuite()
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            suite.addTest(without(test))
        elif test.id() not in unwanted:
            suite.addTest(test)
    return suite


faulthandler.dump_traceback_later(110, exit=True)
support.use_resources = []	# none of the machine's, and no other machine
outcomes = {}
unwanted = {"test." + name[1:] for name in sys.argv[2:] if name[0] == "-"}
run(["test." + name for name in sys.argv[2:] if name[0] != "-"])
for name in [name for name in outcomes if outcomes[name] == "failed"]:
    print("again:", name, file=sys.stderr)
    run([name])
with open(sys.argv[1], "w") as out:
    for name in outcomes:
        print(name, outcomes[name], file=out)
