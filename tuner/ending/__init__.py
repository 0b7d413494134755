"""After the search: finalists, retraining, baselines, and the files that the report is made from."""
