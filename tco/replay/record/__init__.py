"""The journal: what is written of every request, and read again."""
