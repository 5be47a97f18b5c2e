"""Weeks and months of the house on virtual time: what a day never shows."""
