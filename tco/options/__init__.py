"""Ways to serve a workload: the kinds of options, what they share, and how one is put together from others."""
