"""Tests of the record of a day."""
