"""Runs the `fhirstarter` upstream by itself: `python tests/upstreams/fhirstarter_server.py`."""

import os

from serving import serve

if __name__ == "__main__":
    # The framework reads its FHIR version while it is imported, so this stands before the app,
    # which uvicorn imports by name.
    os.environ["FHIR_SEQUENCE"] = "R4B"
    serve("fhirstarter_app:create_app")
