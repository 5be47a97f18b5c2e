"""The tests; they mirror engine/, bot/ and sandbox/ file by file."""
