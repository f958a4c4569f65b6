"""Pytest fixtures: FHIR servers, each a real process, and what they hold.

Registered in `tests/conftest.py`. A test that takes `upstream` runs once for each server; one that
takes `fhirstarter`, `medplum`, `hapi`, `hapi_jpa` or `sandbox_server` runs against that one alone
(`sandbox`, without a process, is `conftest.py`'s). A server starts when the first test wants it and
serves the whole session, so a test must not count on how many groups there are, only on those it
created or those in `seeded`.
"""

from collections.abc import Callable, Iterator
from functools import cache

import pytest

import maven
from upstreams.processes import Upstream, running
from upstreams.seeding import Seeded, seed

JAVA_SERVERS = ["hapi", "hapi_jpa"] if maven.works() else []
SERVERS = [
    "fhirstarter",
    "medplum",
    pytest.param("sandbox_server", id="sandbox"),
    *JAVA_SERVERS,
]


@pytest.fixture(scope="session")
def fhirstarter() -> Iterator[Upstream]:
    """Run the server on the framework that the real upstream is built on."""
    with running("fhirstarter") as upstream:
        yield upstream


@pytest.fixture(scope="session")
def medplum() -> Iterator[Upstream]:
    """Run the server that is not the vendor's."""
    with running("medplum") as upstream:
        yield upstream


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[Upstream]:
    """Run the project's own sandbox as a process."""
    with running("sandbox") as upstream:
        yield upstream


@pytest.fixture(scope="session")
def hapi() -> Iterator[Upstream]:
    """Run HAPI FHIR's REST server with its own paging, over groups in memory."""
    with running("hapi") as upstream:
        yield upstream


@pytest.fixture(scope="session")
def hapi_jpa() -> Iterator[Upstream]:
    """Run HAPI FHIR's JPA server, on H2 in memory."""
    with running("hapi_jpa") as upstream:
        yield upstream


def pytest_report_header() -> list[str]:
    """Return which servers do not run here."""
    return [] if maven.works() else ["SKIPPED: HAPI FHIR and Keycloak, which need a JDK and Maven"]


@pytest.fixture(params=SERVERS)
def upstream(request: pytest.FixtureRequest) -> Upstream:
    """Return each server in turn."""
    running_upstream: Upstream = request.getfixturevalue(request.param)
    return running_upstream


@pytest.fixture(scope="session")
def seed_once() -> Callable[[Upstream], Seeded]:
    """Seed an upstream at most once in a session, whichever tests ask for it and in which order."""
    return cache(seed)


@pytest.fixture
def seeded(upstream: Upstream, seed_once: Callable[[Upstream], Seeded]) -> Seeded:
    """Return the ids of the common data set on the upstream of this test."""
    return seed_once(upstream)
