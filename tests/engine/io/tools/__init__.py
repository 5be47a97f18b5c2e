"""The tools of ``python -m engine``, tested file by file."""
