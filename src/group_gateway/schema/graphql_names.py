"""The GraphQL names of Python names, each made once.

Strawberry asks for the names of all fields of an input type whenever it converts such an argument.
"""

from functools import cache

from strawberry.schema.name_converter import NameConverter
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

_camel_case = cache(to_camel_case)


class RememberedNames(NameConverter):
    """Strawberry's names. They come from the code, so there are only so many."""

    def apply_naming_config(self, name: str) -> str:
        """Return the GraphQL name of a Python name."""
        return _camel_case(name)

    def from_field(self, field: StrawberryField) -> str:
        """Return the name of a field."""
        return field.graphql_name or _camel_case(field.python_name)
