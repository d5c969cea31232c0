"""What serving an LLM workload costs by API, managed open weights, own GPUs or a mix, and where the answer changes."""
