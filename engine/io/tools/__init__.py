"""The tools of ``python -m engine``: one file for each, or for a few that belong together."""
