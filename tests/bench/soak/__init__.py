"""The long run: a whole house under a steady flood, with chat, trade store and price mirror; what grows?"""

#: What a start makes is there by then: growth is what comes after it.
SETTLED_S = 120.0
