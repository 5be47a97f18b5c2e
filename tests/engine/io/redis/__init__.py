"""Tests of the prices shared over Redis, against a real server."""
