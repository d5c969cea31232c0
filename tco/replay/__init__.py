"""Replay of recorded traffic against a server, and what one replica is measured to sustain."""
