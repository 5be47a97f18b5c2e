"""When to get out: one rule a file, each a pure function of a snapshot and its parameters.

A file that defines ``RULE`` is a rule; `engine.rules.registry` finds it. Nothing else has to know.
"""
