"""Load on a server: which request is sent when, by which client process."""
