"""A server that speaks vLLM's protocol with set delays and faults. It is started by `tests/fault_server.py`."""
