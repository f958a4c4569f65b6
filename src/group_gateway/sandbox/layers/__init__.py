"""The layers around the endpoints, outermost first: `edge.py`, then `faults.py`."""
