"""Tests of the Dhan side of the ring, over real loopback sockets."""
