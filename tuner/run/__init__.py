"""One sitting from its configuration to its report, and what a run directory says of itself."""
