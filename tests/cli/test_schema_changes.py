"""`group-gateway schema --compare`: what a change of the schema breaks, and for whom."""

from pathlib import Path

import pytest

from cli.commands import Ended, run
from group_gateway import __version__
from group_gateway.cli.schema_changes import changes, may_break

ROOT = Path(__file__).parents[2]
RELEASED = ROOT / "docs" / "released.graphql"
SCHEMA = (ROOT / "schema.graphql").read_text()


def compared(tmp_path: Path, old: str, version: str = __version__) -> Ended:
    """Compare the schema with a release that had another one."""
    file = tmp_path / "released.graphql"
    file.write_text(f"# group-gateway {version}\n{old}")
    return run("schema", "--compare", str(file))


def without(text: str) -> str:
    """Return the schema without a part of it."""
    assert text in SCHEMA
    return SCHEMA.replace(text, "", 1)


def having(text: str, place: str) -> str:
    """Return the schema with something more behind a place."""
    assert place in SCHEMA
    return SCHEMA.replace(place, place + text, 1)


def test_the_schema_keeps_what_was_released() -> None:
    """The schema breaks nothing that worked with the last release, or the version says so."""
    assert run("schema", "--compare", str(RELEASED)).status == 0


def test_an_addition_is_nothing_to_tell(tmp_path: Path) -> None:
    """A new field breaks no client."""
    old = without('  """Its name; not unique."""\n  name: String\n')
    assert compared(tmp_path, old) == Ended(0, "", "")


@pytest.mark.parametrize(
    ("old", "told"),
    [
        (
            having(
                "  color: String\n",
                'type Group @key(fields: "id") @fetchable(field_name: "id") {\n',
            ),
            "Group.color was removed",
        ),
        (
            having(' @key(fields: "name")', 'type Group @key(fields: "id")'),
            "Group lost @key(fields",
        ),
        (
            without('  """The team."""\n  groupId: ID!\n'),
            "required field SetGroupResponsibilitiesInput.groupId",
        ),
    ],
    ids=["field", "key", "required input"],
)
def test_what_breaks(tmp_path: Path, old: str, told: str) -> None:
    """A lost field or key, or more that is required, is named, and fails under the same version."""
    ended = compared(tmp_path, old)
    [line] = ended.out.splitlines()
    assert line.startswith("breaking: ")
    assert told in line
    assert ended.status == 1
    sentence = f"the schema breaks what worked with {__version__}; so must the version."
    assert ended.err == f"group-gateway: {sentence}\n"


@pytest.mark.parametrize(
    ("hidden", "place", "told"),
    [
        (" @inaccessible", "\ntype Characteristic", "Characteristic has @inaccessible"),
        (" @inaccessible", "\n  name: String\n", "Group.name has @inaccessible"),
        (" @inaccessible", "\n  SUBSTANCE", "GroupType.SUBSTANCE has @inaccessible"),
        (" @inaccessible", "\n    inactive: Boolean", "Group.member(inactive:) has @inaccessible"),
        (" @inaccessible", "\n  ifVersion: String", "AddGroupMembersInput.ifVersion has"),
        (
            ' @requiresScopes(scopes: [["a"]])',
            "\n  name: String\n",
            "Group.name has @requiresScopes(",
        ),
    ],
    ids=["type", "field", "value", "argument", "input field", "scopes"],
)
def test_what_is_hidden(hidden: str, place: str, told: str) -> None:
    """What a router refuses from now on breaks clients; what it gives at last does not."""
    [change] = changes(SCHEMA, having(hidden, place))
    assert change.is_breaking
    assert change.text.startswith(told)
    assert changes(having(hidden, place), SCHEMA) == []


def test_what_breaks_under_a_version_that_says_so(tmp_path: Path) -> None:
    """It is still named, but no failure."""
    old = having(
        "  color: String\n", 'type Group @key(fields: "id") @fetchable(field_name: "id") {\n'
    )
    ended = compared(tmp_path, old, version="0.0.9")
    assert ended.out.startswith("breaking: ")
    assert (ended.status, ended.err) == (0, "")


def test_what_is_dangerous(tmp_path: Path) -> None:
    """A new value of an enum surprises clients that know all: it is named, and no failure."""
    ended = compared(tmp_path, without('  """Substances."""\n  SUBSTANCE\n'))
    assert ended.out.startswith("dangerous: ")
    assert "SUBSTANCE" in ended.out
    assert (ended.status, ended.err) == (0, "")


@pytest.mark.parametrize(
    ("released", "current", "expected"),
    [
        ("0.1.0", "0.1.1", False),
        ("0.1.0", "0.2.0rc1", True),
        ("0.9.0", "1.0.0", True),
        ("1.1.0", "1.2.0", False),
        ("1.9.0", "2.0.0", True),
        ("2.0.0", "1.9.0", False),
    ],
)
def test_versions_that_may_break(released: str, current: str, expected: bool) -> None:  # noqa: FBT001
    """Below 1.0 a breaking change requires a new minor version, later a new major version."""
    assert may_break(released, current) is expected


def test_files_that_are_no_release(tmp_path: Path) -> None:
    """A file that is not there, or no schema, is one sentence."""
    file = tmp_path / "released.graphql"
    unreadable = f"{file} is no schema that can be read."
    assert run("schema", "--compare", str(file)).sentence == unreadable
    file.write_text("# group-gateway 0.1.0\ntype Query {")
    assert run("schema", "--compare", str(file)).sentence == unreadable
    file.write_text("# group-gateway 0.1.0\ntype Query { group: Nothing }")
    assert run("schema", "--compare", str(file)).sentence == unreadable


def test_what_another_version_prints(tmp_path: Path) -> None:
    """It has no version in it, so each breaking change fails, and nothing else does."""
    file = tmp_path / "old.graphql"
    file.write_text(run("schema").out)
    assert run("schema", "--compare", str(file)) == Ended(0, "", "")
    file.write_text(having("  color: String\n", "type PageInfo @shareable {\n"))
    ended = run("schema", "--compare", str(file))
    assert ended.out == "breaking: Field PageInfo.color was removed.\n"
    assert ended.err == f"group-gateway: the schema breaks what works with {file}.\n"
    assert ended.status == 1
