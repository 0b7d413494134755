"""For several tests: small data, runs and trainings, and stand-ins for workers and drivers."""
