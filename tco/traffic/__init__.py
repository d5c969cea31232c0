"""Recorded traffic: traces of many formats, read row by row in constant memory, and what they hold."""
