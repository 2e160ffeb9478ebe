# SPDX-License-Identifier: Apache-2.0
import contextlib
import io
import unittest

from lib.figures import Figure, report

FIFTEEN = [float(value) for value in range(1, 16)]


class FigureTest(unittest.TestCase):
    def test_the_interval_leaves_out_the_outermost_samples_on_both_sides(self):
        self.assertEqual(Figure("x", "ms", FIFTEEN).interval(), (4, 12))
        self.assertEqual(Figure("x", "ms", FIFTEEN[::-1]).interval(), (4, 12))

    def test_too_few_samples_say_no_more_than_their_range(self):
        self.assertEqual(Figure("x", "ms", [3, 1, 2]).interval(), (1, 3))
        self.assertEqual(Figure("x", "ms", [5]).interval(), (5, 5))

    def test_many_samples_narrow_the_interval(self):
        self.assertEqual(Figure("x", "ms", [float(value) for value in range(1, 101)]).interval(), (40, 61))

    def test_a_promise_is_broken_only_if_the_low_end_is_above_it(self):
        self.assertTrue(Figure("x", "ms", FIFTEEN, promise=4).is_kept())
        self.assertFalse(Figure("x", "ms", FIFTEEN, promise=3).is_kept())

    def test_a_broken_promise_is_the_exit_status(self):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            self.assertEqual(report("title", [Figure("a", "ms", FIFTEEN, goal=9, promise=100)]), 0)
            self.assertEqual(report("title", [Figure("b", "ms", FIFTEEN, goal=7, promise=3)]), 1)
        self.assertIn("8 ms  [4 .. 12] n=15  goal 9: met, promise 100: kept", printed.getvalue())
        self.assertIn("goal 7: missed, promise 3: BROKEN", printed.getvalue())
