"""Where work is done: devices, executors, the loop that keeps them busy, and the worker process."""
