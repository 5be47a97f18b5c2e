"""Prahari's engine: watches option positions and gets them verified flat by the owner's rules.

Outside ``engine/io`` nothing awaits, reads a clock, logs, draws a random number or touches a
network: the core is a state machine, ``monitor.handle(message, now_s) -> list[effect]``.
"""
