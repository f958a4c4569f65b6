"""HL7's directives where they are wrong, or not switched on; `cases` has the rest."""

import pytest


@pytest.mark.parametrize(
    "query",
    [
        "{Patient(id: p1){name @flatten{family @singleton}}}",
        "{Patient(id: p1){gender @flatten}}",
        '{Patient(id: p1){name @first @slice(path: "use"){use}}}',
        "{Patient(id: p1){name @slice{use}}}",
        "{Patient(id: p1){name @slice(path: \"given.matches('x')\"){use}}}",
        '{Patient(id: p1){name @slice(path: "period"){use}}}',
    ],
)
async def test_wrong_directives(start, server, query):
    """What a directive can't do is an error at its field."""
    fhir = await start(server, fhir_graphql_directives=True)
    assert await fhir.failure(query) == (200, "BAD_USER_INPUT", "invalid")


async def test_unknown_until_switched_on(fhir):
    """Without the switch they are unknown directives."""
    answer = await fhir.failure("{Patient(id: p1){name @flatten{use}}}")
    assert answer == (400, "GRAPHQL_VALIDATION_FAILED", "invalid")
