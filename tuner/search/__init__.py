"""The search: the loop, the engines that choose trials, the schedulers that prune them, and what ends it."""
