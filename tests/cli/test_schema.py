"""`group-gateway schema`: prints the SDL, or checks that a file holds it."""

from pathlib import Path

from cli.commands import run

COMMITTED = Path(__file__).parents[2] / "schema.graphql"


def test_prints_the_committed_schema() -> None:
    """What it prints is `schema.graphql`, whatever the other settings are."""
    ended = run("schema", not_a_setting="at all")
    assert (ended.status, ended.out) == (0, COMMITTED.read_text())


def test_prints_people_where_they_are_read(tmp_path: Path) -> None:
    """With `RESOLVE_MEMBERS=upstream`, also in `.env`, it prints and checks what is then served."""
    ended = run("schema", resolve_members="upstream")
    assert "type RelatedPerson @key" in ended.out
    assert "birthDate: String @shareable" in ended.out
    assert ended.out.startswith(COMMITTED.read_text()[:100])
    served = tmp_path / "served.graphql"
    served.write_text(ended.out)
    (tmp_path / ".env").write_text("GROUP_GATEWAY_RESOLVE_MEMBERS=upstream\nOTHER=1\n")
    assert run("schema", "--check", str(served), cwd=tmp_path).status == 0
    assert run("schema", resolve_members="all").sentence == (
        "GROUP_GATEWAY_RESOLVE_MEMBERS is wrong: it takes one of stubs, upstream."
    )


def test_check_takes_an_equal_file() -> None:
    """`--check` says nothing about a file that is up to date."""
    ended = run("schema", "--check", str(COMMITTED))
    assert (ended.status, ended.out, ended.err) == (0, "", "")


def test_check_refuses_another_file(tmp_path: Path) -> None:
    """`--check` says how to bring a file up to date that differs, or is not there."""
    old = tmp_path / "old.graphql"
    remedy = f"{old} is not the schema; run `group-gateway schema > {old}`."
    assert run("schema", "--check", str(old)).sentence == remedy
    old.write_text(COMMITTED.read_text().replace("type Group ", "type Gruppe "))
    assert run("schema", "--check", str(old)).sentence == remedy
