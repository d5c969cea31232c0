"""A replay from end to end, and what is to be said of it."""
