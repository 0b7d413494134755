"""File formats that people bring, one file each."""
