"""What stands around the endpoints, outermost first: `edge.py`, then `faults.py`."""
