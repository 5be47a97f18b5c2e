"""The trade stores, tested file by file."""
