"""From outcomes to what they prove: latencies, steady parts, verdicts, the search for the capacity."""
