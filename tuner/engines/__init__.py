"""Who chooses the trials of a study."""
