"""The bench: how fast the house is, measured beside others in one run. Run it with ``make bench``.

`tests.bench.parts` is the list of what it measures.
"""
