"""A comparison as people and programs read it: tables, ledger, Markdown, CSV, JSON, pictures."""
