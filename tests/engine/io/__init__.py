"""Tests of the ring around the core."""
