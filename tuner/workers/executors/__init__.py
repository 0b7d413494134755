"""Where work items are trained, by the name that `--on` takes."""

EXECUTORS: dict[str, str] = {
    "local": "tuner.workers.executors.local:LocalExecutor",
    "ray": "tuner.workers.executors.cluster:ClusterExecutor",
}
"""name -> "module:Class" of an `Executor` made from slots, context and the folder for logs."""
