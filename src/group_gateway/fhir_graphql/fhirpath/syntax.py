"""From the text of a FHIRPath expression to its syntax tree (FHIRPath N1, section 12)."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple

from group_gateway.fhir_graphql.fhirpath.steps import wrong

LONGEST: Final = 500
"""Characters of an expression."""
_DEEPEST: Final = 20
_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<temporal>@(?:T[\d:.]+|\d{4}(?:-\d\d){0,2}(?:T(?:[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)?))
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*|`[^`\\]+`)
    | (?P<this>\$this|\$index)
    | (?P<operator><=|>=|!=|!~|[-+*/&|<>=~.,()\[\]{}])
    )""",
    re.VERBOSE | re.ASCII,
)
_LEVELS: Final[dict[str, int]] = {
    "implies": 1,
    "or": 2,
    "xor": 2,
    "and": 3,
    "in": 4,
    "contains": 4,
    "=": 5,
    "~": 5,
    "!=": 5,
    "!~": 5,
    "<": 6,
    "<=": 6,
    ">": 6,
    ">=": 6,
    "|": 7,
    "is": 8,
    "as": 8,
    "+": 9,
    "-": 9,
    "&": 9,
    "*": 10,
    "/": 10,
    "div": 10,
    "mod": 10,
}
_UNARY: Final = 11
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Literal:
    """A value, or none (`{}`); a date or time is a `Temporal`."""

    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Temporal:
    """The text of a date or time, without the `@`."""

    text: str


@dataclass(frozen=True, slots=True)
class Variable:
    """`$this` or `$index`."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """An element of the values of `of`; of the focus without it."""

    of: "Node | None"
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function with arguments."""

    of: "Node | None"
    name: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Index:
    """One of the values of `of`."""

    of: "Node"
    index: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two operands."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Negation:
    """A minus sign before an operand."""

    of: "Node"


Node = Literal | Variable | Member | Call | Index | Binary | Negation


class _Token(NamedTuple):
    kind: str
    text: str


def parse_expression(text: str) -> Node:
    """Return the syntax tree of an expression; raise BadUserInput when it has none."""
    if len(text) > LONGEST:
        raise wrong(f"has more than {LONGEST} characters")
    parser = _Parser(_tokens(text))
    tree = parser.expression(0)
    parser.end()
    return tree


def _tokens(text: str) -> list[_Token]:
    tokens, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise wrong("is not well-formed")
        tokens.append(_Token(match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return tokens


class _Parser:
    """A precedence climbing parser."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0

    def end(self) -> None:
        """Raise BadUserInput unless all tokens were consumed."""
        if self._next < len(self._tokens):
            raise wrong("is not well-formed")

    def expression(self, level: int) -> Node:
        """Parse an expression whose operators bind at least as tightly as `level`."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise wrong("is nested too deeply")
        left = self._unary()
        while (operator := self._operator()) is not None and _LEVELS[operator] >= level:
            self._next += 1
            if operator in {"is", "as"}:
                left = Call(left, operator, (Member(None, self._type_name()),))
            else:
                left = Binary(operator, left, self.expression(_LEVELS[operator] + 1))
        self._depth -= 1
        return left

    def _operator(self) -> str | None:
        token = self._peek()
        return token.text if token.kind != "string" and token.text in _LEVELS else None

    def _unary(self) -> Node:
        if self._accept("-"):
            return Negation(self.expression(_UNARY))
        self._accept("+")
        return self._postfix(self._term())

    def _postfix(self, node: Node) -> Node:
        while True:
            if self._accept("."):
                node = self._invocation(node)
            elif self._accept("["):
                node = Index(node, self.expression(0))
                self._expect("]")
            else:
                return node

    def _term(self) -> Node:  # noqa: PLR0911 - one for each kind
        token = self._take()
        match token.kind:
            case "string":
                return Literal((_unescaped(token.text[1:-1]),))
            case "number":
                return Literal((Decimal(token.text) if "." in token.text else int(token.text),))
            case "temporal":
                return Literal((Temporal(token.text[1:]),))
            case "this":
                return Variable(token.text)
            case "name" if token.text in {"true", "false"}:
                return Literal((token.text == "true",))
            case "name":
                self._next -= 1
                return self._invocation(None)
        if token.text == "{":
            self._expect("}")
            return Literal(())
        if token.text != "(":
            raise wrong("is not well-formed")
        node = self.expression(0)
        self._expect(")")
        return node

    def _invocation(self, of: Node | None) -> Node:
        token = self._take()
        if token.kind != "name":
            raise wrong("is not well-formed")
        name = token.text.strip("`")
        if not self._accept("("):
            return Member(of, name)
        arguments: list[Node] = []
        while not self._accept(")"):
            if arguments:
                self._expect(",")
            arguments.append(self.expression(0))
        return Call(of, name, tuple(arguments))

    def _type_name(self) -> str:
        name = self._take()
        if name.kind != "name":
            raise wrong("is not well-formed")
        if self._accept("."):
            name = self._take()
        return name.text

    def _peek(self) -> _Token:
        return self._tokens[self._next] if self._next < len(self._tokens) else _Token("end", "")

    def _take(self) -> _Token:
        token = self._peek()
        self._next += 1
        return token

    def _accept(self, text: str) -> bool:
        if self._peek() != _Token("operator", text):
            return False
        self._next += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise wrong("is not well-formed")


def _unescaped(text: str) -> str:
    def replace(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        return _ESCAPES.get(match[2], match[2])

    return re.sub(r"\\(?:u([0-9a-fA-F]{4})|(.))", replace, text)
