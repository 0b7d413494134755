"""Intervals and verdicts, from counts of right answers."""
