"""Prices shared over Redis: a mirror for the next start, and a bus for engines without a socket of their own.

Nothing of this is imported unless ``REDIS_URL`` is set. Nobody waits for it: an engine whose Redis is
gone, slow or full goes on with what it has in memory.
"""
