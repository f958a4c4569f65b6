"""JSON in and out for the sandbox, so that nothing a client stored is altered.

Decimals keep every digit (FHIR gives them meaning): `1.10` does not become `1.1`.
"""

from decimal import Decimal
from typing import Any

import msgspec

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def decode(text: bytes) -> Any:
    """Return the value of a JSON text; raise `ValueError` with the reason."""
    try:
        return _decoder.decode(text)
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error


def encode(value: Any) -> bytes:
    """Write a value as JSON, without spaces."""
    return _encoder.encode(value)


def fields(text: bytes) -> dict[str, Any]:
    """Split a JSON object into its members, each undecoded and ready to be encoded again."""
    return dict(_fields.decode(text))
