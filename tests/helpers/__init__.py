"""What several tests need: small data, runs and trainings, and stand-ins for workers and drivers."""
