"""Random operations over random groups: the parts of an answer always make the whole."""

import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from graphql import (
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_nullable_type,
    is_list_type,
    parse,
    print_ast,
    visit,
)

from differential.trial import random_requests
from differential.worlds import TOKENS, World, opened
from frontdoor import post
from group_gateway.execution import incremental
from incremental.multipart import ACCEPT, Merged

WORLDS = 6
IN_A_WORLD = 25


class Deferring(Visitor):
    """Defers fragments and streams lists of a document, by chance."""

    def __init__(self, rng: Random, types: TypeInfo) -> None:
        super().__init__()
        self._rng = rng
        self._types = types

    def _directive(self, text: str) -> tuple[Any, ...]:
        field: Any = parse(f"{{ a {text} }}").definitions[0]
        return tuple(field.selection_set.selections[0].directives)

    def leave_inline_fragment(self, node: Any, *_: Any) -> Any:
        """Defer it."""
        if node.directives or self._rng.random() < 0.5:
            return None
        return replace(node, directives=self._directive("@defer"))

    leave_fragment_spread = leave_inline_fragment

    def leave_selection_set(self, node: Any, *_: Any) -> Any:
        """Defer some of what is selected together."""
        if self._rng.random() < 0.7:
            return None
        cut = self._rng.randint(0, len(node.selections) - 1)
        inner = SelectionSetNode(selections=node.selections[cut:])
        fragment = InlineFragmentNode(directives=self._directive("@defer"), selection_set=inner)
        return replace(node, selections=(*node.selections[:cut], fragment))

    def leave_field(self, node: Any, *_: Any) -> Any:
        """Stream it, if it is a list."""
        type = self._types.get_type()
        if not type or not is_list_type(get_nullable_type(type)) or self._rng.random() < 0.5:
            return None
        stream = self._directive(f"@stream(initialCount: {self._rng.randint(0, 3)})")
        return replace(node, directives=(*(node.directives or ()), *stream))


def in_parts(text: str, rng: Random, schema: GraphQLSchema) -> str:
    """Return a document with directives added."""
    document = parse(text, no_location=True)
    types = TypeInfo(schema)
    return print_ast(visit(document, TypeInfoVisitor(types, Deferring(rng, types))))


def merged(body: bytes) -> Merged:
    """Merge the parts of a response."""
    start, *parts, end = body.split(b"\r\n---")
    assert (start, end) == (b"", b"--\r\n")
    whole = Merged()
    for part in parts:
        whole.merge(json.loads(part.partition(b"\r\n\r\n")[2]))
    assert not whole.pending
    assert [part["hasNext"] for part in whole.seen] == [True] * (len(parts) - 1) + [False]
    return whole


async def ask(world: World, rng: Random) -> int:
    """Compare a response in parts with the whole one; return how many were compared."""
    compared = 0
    app = world.fast.app
    for request in random_requests(world, rng):
        request["query"] = in_parts(request["query"], rng, world.planning.schema)
        token = rng.choice(TOKENS)
        asked = json.dumps(request).encode()
        await post(app, asked, token)  # what the gateway learns of it would show in cursors
        whole = json.loads((await post(app, asked, token)).body)
        content_type, body = await post(app, asked, token, accept=ACCEPT)
        if not content_type.startswith("multipart"):
            assert world.failing or json.loads(body).get("data") == whole.get("data")
            continue
        parts = merged(body)
        if not world.failing and "errors" not in whole:
            assert parts.errors == [], request
            assert parts.data == whole["data"], request
            compared += 1
    return compared


@pytest.mark.no_cover  # thrice as fast, and others cover what it runs
@pytest.mark.parametrize("most", [incremental.MOST_PAYLOADS, 3])
async def test_parts_make_the_whole(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is deferred or streamed, and however much of it is not: nothing is lost or added."""
    monkeypatch.setattr(incremental, "MOST_PAYLOADS", most)
    compared = 0
    for number in range(WORLDS):
        rng = Random(f"{number}")  # noqa: S311 - test data
        async with opened(rng, incremental_delivery=True) as world:
            world.renew(rng)
            for _ in range(IN_A_WORLD):
                compared += await ask(world, rng)
    assert compared > WORLDS * IN_A_WORLD / 2
