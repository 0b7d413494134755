"""Runs the search: data sets, trials on devices, retraining, baselines."""
