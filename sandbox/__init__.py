"""Stand-ins for the outside world, on loopback: for the first run, demos, replays and tests."""
