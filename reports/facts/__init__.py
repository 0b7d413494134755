"""The facts of a run, read from its directory: one module for each kind of fact, nothing formatted.

`summary` has them all; `dataset`, `parameters`, `trials` (read by `journal`) and `curves` are of the run,
`final` and what it is made of (`models`, `comparisons`, `answers`, `shift`, `more_data`) of its end.
"""
