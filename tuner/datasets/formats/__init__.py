"""Formats of a user's own data, one file each."""
