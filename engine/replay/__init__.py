"""Recorded days through the same core, on virtual time: what would have happened."""
