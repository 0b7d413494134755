"""Where work items are trained."""
