"""A scenario file: the traffic, the options, the conventions."""
