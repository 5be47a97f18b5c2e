"""The ring that touches the world, tested file by file."""
