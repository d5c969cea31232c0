"""What a change of a scenario, or of its catalogues, does to the bill: before, after, and split by cause."""
