"""The facts of a run, read from its directory: one module for each kind of fact, nothing formatted."""
