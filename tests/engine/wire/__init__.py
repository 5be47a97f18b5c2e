"""Tests of the wire: one file per module."""
