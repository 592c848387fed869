#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# Runs tests of CPython and says how each ended, a line each: TEST OUTCOME
#
# Usage: cpython.py FILE NAME...	(NAME as unittest wants it, without "test.")
#
# What python3 -m test does besides takes most of its time on an emulated machine.
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
        print(test.id(), ",".join(ends) or "ok", file=out, flush=True)


faulthandler.dump_traceback_later(100, exit=True)
support.use_resources = []	# none of the machine's, and no other machine
with open(sys.argv[1], "w") as out:
    tests = unittest.defaultTestLoader.loadTestsFromNames("test." + name for name in sys.argv[2:])
    unittest.TextTestRunner(resultclass=Outcomes, verbosity=0).run(tests)
