"""Bugs to plant in the compiled path, to see whether the differential test finds them.

Each one is a likely mistake: an edit of one place in one module.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    """An edit of a module of `group_gateway`: `right` stands there once, and becomes `wrong`.

    A rare one shows only in data that random upstreams seldom have: it takes thousands of
    operations to be found.
    """

    name: str
    module: str
    right: str
    wrong: str
    is_rare: bool = False


BUGS = (
    Bug(
        "no range check of Int elements",
        "execution/codecs.py",
        "_INT = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]",
        "_INT = int",
        is_rare=True,
    ),
    Bug(
        "Int range off by one",
        "execution/codecs.py",
        "le=2**31 - 1)",
        "le=2**31)",
        is_rare=True,
    ),
    Bug(
        "a condition's variable is missing from the plan's key",
        "execution/compiled_plans.py",
        "return tuple(map(variables.get, self._conditions))",
        "return tuple(map(variables.get, self._conditions[1:]))",
    ),
    Bug(
        "the default of a boolean swapped",
        "execution/codecs.py",
        'type.name == "Boolean":\n        return False',
        'type.name == "Boolean":\n        return True',
    ),
    Bug(
        "required objects may be null",
        "execution/codecs.py",
        "required = isinstance(type, GraphQLNonNull)",
        "required = isinstance(type, GraphQLNonNull) and isinstance(type.of_type, GraphQLList)",
    ),
    Bug(
        "enum values shown as FHIR's codes",
        "execution/codecs.py",
        "return {str(member.value): name for name, member in members.items()}",
        "return {str(member.value): str(member.value) for member in members.values()}",
    ),
    Bug(
        "response keys in the order of the schema",
        "execution/codecs.py",
        "enumerate(fields.items())",
        "enumerate(sorted(fields.items()))",
    ),
    Bug(
        "fields with a resolver behind the elements of a group",
        "execution/compiler.py",
        "return {key: shown[key] for key in keys}",
        "return shown",
    ),
    Bug(
        "aliases of elements dropped",
        "execution/codecs.py",
        "lambda p: (p.show, msgspec.NODEFAULT), lambda p: p.key)",
        "lambda p: (p.show, msgspec.NODEFAULT), lambda p: p.element)",
    ),
    Bug(
        "aliases inside nested elements dropped",
        "execution/codecs.py",
        "return inner.read, inner.show",
        "return inner.read, inner.read",
    ),
    Bug(
        "arguments of `member` ignored",
        "execution/codecs.py",
        "    if node.arguments:\n        return None\n",
        "",
    ),
    Bug(
        "variables of arguments ignored",
        "execution/fields.py",
        "if variable in info.variables\n",
        "if variable not in info.variables\n",
    ),
    Bug(
        "arguments with a variable evaluated once",
        "execution/fields.py",
        "return lambda info: evaluate(info.variables)",
        "kept: dict[str, Any] = {}\n"
        "    return lambda info: dict(kept or kept.update(evaluate(info.variables)) or kept)",
    ),
    Bug(
        "an absent list is null",
        "execution/codecs.py",
        "return msgspec.field(default_factory=list)",
        "return None",
    ),
    Bug(
        "nulls in lists accepted",
        "execution/codecs.py",
        "return list[read], list[show]",
        "return list[read | None], list[show | None]",
        is_rare=True,
    ),
    Bug(
        "__typename of another type",
        "execution/compiler.py",
        "constants[key] = type.name",
        'constants[key] = "Query"',
    ),
    Bug(
        "__typename read from the data",
        "execution/codecs.py",
        "name: Any = Literal[type.name]",
        "name: Any = str",
        is_rare=True,
    ),
    Bug(
        "what a plan can't answer is null",
        "execution/compiled_plans.py",
        "            self._planning.deoptimized += 1\n            return None",
        '            self._planning.deoptimized += 1\n            return b"null"',
    ),
    Bug(
        "texts taken for decimals",
        "fhir/decimals.py",
        "if text[0] not in _SIGNS or",
        "if text[0] in _SIGNS and",
        is_rare=True,
    ),
    Bug(
        "numbers taken for text",
        "execution/codecs.py",
        '"String": str,',
        '"String": str | int,',
        is_rare=True,
    ),
    Bug(
        "numbers taken for booleans",
        "execution/codecs.py",
        '"Boolean": bool,\n}',
        '"Boolean": bool | int,\n}',
        is_rare=True,
    ),
    Bug(
        "variables not coerced",
        "execution/compiled_plans.py",
        "if type(value) is kind and (kind is not int or _in_range(value)):",
        "if value is not None:",
    ),
    Bug(
        "Int variables of any size",
        "execution/compiled_plans.py",
        "return bool(-(2**31) <= value < 2**31)",
        "return True",
        is_rare=True,
    ),
    Bug(
        "defaults of variables ignored",
        "execution/compiled_plans.py",
        "if kind is None or definition.default_value is not None:",
        "if kind is None:",
    ),
    Bug(
        "fields of the same key not merged",
        "execution/selection.py",
        "self.schema, self._fragments(), self.variables, self.operation, type, fields\n",
        "self.schema, self._fragments(), self.variables, self.operation, type, fields[:1]\n",
    ),
    Bug(
        "a selection taken for another type's",
        "execution/compiler.py",
        "key = (type.name, text_of(details))",
        "key = text_of(details)",
    ),
    Bug(
        "a selection taken for another one that begins alike",
        "execution/compiler.py",
        "key = (type.name, text_of(details))",
        "key = (type.name, text_of(details[:1]))",
    ),
    Bug(
        "one failing field among several goes unseen",
        "execution/completers.py",
        "return_exceptions=True)):\n        if isinstance(outcome, BaseException):",
        "return_exceptions=True)):\n        if outcome is failure is not None:",
    ),
)
