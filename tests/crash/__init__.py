"""A real house is killed at every point of an exit, and its successor must bring it to the same end."""
