"""Whatever one upstream fault does, the gateway says so in time, keeps small, and recovers."""

import asyncio
import itertools
from http import HTTPStatus
from typing import Any

import pytest

from chaos.faults import FAULTS, answers, bundle, pages
from chaos.running import ROOM, Chaos
from group_gateway.sandbox.data.seeded_people import reference
from group_gateway.sandbox.wellknown import JESS_ID, TEST_GROUP_ID
from waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

READ = f'{{ group(id: "{TEST_GROUP_ID}") {{ id }} }}'
READS = {
    READ: {"group": {"id": TEST_GROUP_ID}},
    f'{{ group(id: "{JESS_ID}") {{ id }} }}': {"group": {"id": JESS_ID}},
    "{ groups(first: 1) { nodes { resourceType } } }": {
        "groups": {"nodes": [{"resourceType": "Group"}]}
    },
}
PATIENT_ID = reference("Patient", 1).removeprefix("Patient/")
HL7_READS = {
    f'{{ Group(id: "{TEST_GROUP_ID}") {{ id }} }}': {"Group": {"id": TEST_GROUP_ID}},
    "{ GroupList(_count: 1) { resourceType } }": {"GroupList": [{"resourceType": "Group"}]},
    f'{{ Patient(id: "{PATIENT_ID}") {{ id }} }}': {"Patient": {"id": PATIENT_ID}},
}
HL7_CREATE = """mutation {
    GroupCreate(res: { type: person, actual: true, name: "HL7" }) { type } }"""
STATUSES = {
    "RATE_LIMITED": 429,
    "UPSTREAM_INVALID_RESPONSE": 502,
    "UPSTREAM_TIMEOUT": 504,
    "UPSTREAM_UNAVAILABLE": 502,
}
"""The statuses of HL7's interface where nothing could be read."""
CREATE = """mutation ($name: String!) {
    createGroup(input: {type: PERSON, name: $name}) { group { name } } }"""
_numbers = itertools.count()


async def works(chaos: Chaos) -> None:
    """Check that everything works, at the first try."""
    answers = await asyncio.gather(*(chaos.ask_patiently(query) for query in READS))
    assert answers == [{"data": data} for data in READS.values()]
    name = f"works {next(_numbers)}"
    answer = await chaos.ask_patiently(CREATE, name=name)
    assert answer == {"data": {"createGroup": {"group": {"name": name}}}}


async def hl7_works(chaos: Chaos) -> None:
    """Check that HL7's interface works."""
    answers = await asyncio.gather(*(chaos.ask_hl7(query) for query in HL7_READS))
    assert answers == [(200, {"data": data}) for data in HL7_READS.values()]
    assert await chaos.ask_hl7(HL7_CREATE) == (200, {"data": {"GroupCreate": {"type": "person"}}})


async def measured(chaos: Chaos) -> tuple[int, int]:
    """Return the memory and the files of a process that works."""
    await works(chaos)
    chaos.forget_peak()
    return chaos.resident(), chaos.open_files()


async def recovers(chaos: Chaos, before: tuple[int, int]) -> None:
    """Check that the fault is over and has left nothing behind."""
    resident, files = before
    assert chaos.peak() < resident + ROOM
    await works(chaos)
    await until(lambda: chaos.open_files() <= files + len(READS))


def codes(answer: Any) -> set[str]:
    """Return the codes of an answer's errors, having checked what they may say."""
    assert "secret detail" not in str(answer)
    return {error["extensions"]["code"] for error in answer["errors"]}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault(chaos: Chaos, name: str) -> None:
    """Reads end with the fault's code, a create with an error, and then everything works again."""
    fault, code = FAULTS[name]
    before = await measured(chaos)
    chaos.all_meet(fault)
    ask = chaos.ask if code == "UPSTREAM_TIMEOUT" else chaos.ask_patiently
    async with chaos.watched():
        answers = await asyncio.gather(*(ask(query) for query in READS))
        created = await chaos.ask(CREATE, name="never")
    chaos.all_meet(None)
    assert [codes(answer) for answer in answers] == [{code}] * len(READS)
    assert codes(created)
    await recovers(chaos, before)


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_through_hl7(chaos: Chaos, name: str) -> None:
    """HL7's interface ends reads with the code, as an outcome, and a create with an error."""
    fault, code = FAULTS[name]
    before = await measured(chaos)
    chaos.all_meet(fault)
    async with chaos.watched():
        answers = await asyncio.gather(
            *(chaos.ask_hl7(query) for query in HL7_READS),
            chaos.ask_hl7("{ id }", f"/fhir/Patient/{PATIENT_ID}/$graphql"),
            chaos.ask_hl7(HL7_CREATE),
        )
    chaos.all_meet(None)
    *reads, (status, instance), (failed, created) = answers
    assert [(s, codes(answer)) for s, answer in reads] == [(200, {code})] * len(reads)
    assert (status, codes(instance)) == (STATUSES[code], {code})
    assert codes(created) and failed >= HTTPStatus.BAD_REQUEST  # noqa: PT018 - one thing
    for _, answer in answers:
        for error in answer["errors"]:
            [issue] = error["extensions"]["resource"]["issue"]
            assert issue["diagnostics"] == error["message"]
    await recovers(chaos, before)
    await hl7_works(chaos)


async def test_a_refused_connection(chaos: Chaos) -> None:
    """Without an upstream reads fail, a create says that it was not made, and both come back."""
    before = await measured(chaos)
    await chaos.proxy.refuse()
    answers = await asyncio.gather(*(chaos.ask(query) for query in READS))
    created = await chaos.ask(CREATE, name="never")
    await chaos.proxy.listen()
    assert [codes(answer) for answer in answers] == [{"UPSTREAM_UNAVAILABLE"}] * len(READS)
    assert created["errors"][0]["message"].endswith("The group was not created.")
    await recovers(chaos, before)


ALL = "{ groups(first: 1000) { nodes { id } pageInfo { hasNextPage } } }"


async def test_pages_that_lead_in_a_circle(chaos: Chaos) -> None:
    """A circle of pages is noticed; the walk does not go round until the budget ends."""
    before = await measured(chaos)
    turn = itertools.cycle(
        [bundle("a", onward="/Group?page=2"), bundle("b", onward="/Group?page=1")]
    )
    chaos.all_meet(pages(turn))
    answer = await chaos.ask(ALL)
    chaos.all_meet(None)
    assert codes(answer) == {"UPSTREAM_INVALID_RESPONSE"}
    await recovers(chaos, before)


async def test_pages_without_end(chaos: Chaos) -> None:
    """Endless pages are read until the budget of calls is used up."""
    before = await measured(chaos)
    endless = (bundle(f"g{n}", onward=f"/Group?page={n + 1}") for n in itertools.count())
    chaos.all_meet(pages(endless))
    asked = len(chaos.proxy.requests)
    answer = await chaos.ask(ALL)
    chaos.all_meet(None)
    assert codes(answer) <= {"TOO_MANY_UPSTREAM_CALLS", "UPSTREAM_TIMEOUT"}
    assert len(chaos.proxy.requests) - asked <= 50
    await recovers(chaos, before)


async def test_a_link_to_another_host(chaos: Chaos) -> None:
    """A link that leads elsewhere is asked for here, so that the token goes nowhere else."""
    called = asyncio.Event()
    elsewhere = await asyncio.start_server(lambda *_: called.set(), "127.0.0.1", 0)
    port = elsewhere.sockets[0].getsockname()[1]
    first = bundle("a", onward=f"http://127.0.0.1:{port}/Group?page=2")
    chaos.all_meet(pages(iter([first, bundle("b")])))
    answer = await chaos.ask(ALL)
    chaos.all_meet(None)
    elsewhere.close()
    assert answer["data"]["groups"]["nodes"] == [{"id": "a"}, {"id": "b"}]
    assert chaos.proxy.requests[-1] == "GET /Group?page=2"
    assert not called.is_set()


async def test_groups_that_come_twice(chaos: Chaos) -> None:
    """A group that several pages hold is given once."""
    both = [bundle("a", "b", onward="/Group?page=2"), bundle("b", "c")]
    chaos.all_meet(pages(iter(both)))
    answer = await chaos.ask(ALL)
    chaos.all_meet(None)
    assert answer["data"]["groups"]["nodes"] == [{"id": "a"}, {"id": "b"}, {"id": "c"}]


async def test_nulls_among_the_groups(chaos: Chaos) -> None:
    """An entry that is null costs the others nothing, and is not passed over in silence."""
    chaos.all_meet(pages(iter([bundle("a", None)])))
    answer = await chaos.ask(ALL)
    chaos.all_meet(None)
    assert answer["data"]["groups"]["nodes"] == [{"id": "a"}]
    assert codes(answer) == {"UPSTREAM_INVALID_RESPONSE"}


ENDLESS = {
    "an empty page that leads to itself": lambda _: bundle(onward="/Group?_count=2&_offset=2"),
    "empty pages": lambda n: bundle(onward=f"/Group?page={n}"),
    "two empty pages": lambda n: bundle(onward=f"/Group?page={n % 2}"),
    "the same groups": lambda n: bundle("a", "b", onward=f"/Group?page={n}"),
    "broken groups": lambda n: bundle(None, onward=f"/Group?page={n}"),
}


@pytest.mark.parametrize("name", ENDLESS)
async def test_pages_that_lead_nowhere(chaos: Chaos, name: str) -> None:
    """A walk over endless pages ends in time, and delays no other request."""
    before = await measured(chaos)
    chaos.all_meet(pages(map(ENDLESS[name], itertools.count())))
    async with chaos.watched():
        answer = await chaos.ask(ALL)
    chaos.all_meet(None)
    assert codes(answer) <= {"UPSTREAM_INVALID_RESPONSE", "TOO_MANY_UPSTREAM_CALLS"}
    await recovers(chaos, before)


@pytest.mark.parametrize("name", ["reset in the body", "HTML", "hang", "500", "200 MB in chunks"])
async def test_one_group_fails_and_the_others_stand(chaos: Chaos, name: str) -> None:
    """Of groups that are asked for together those that did arrive are shown."""
    fault, code = FAULTS[name]
    faults = {f"/Group/{JESS_ID}": fault, f"/Group/{TEST_GROUP_ID}": None}
    chaos.proxy.choose = lambda exchange: faults.get(exchange.target, answers(400))
    query = f"""{{
        a: group(id: "{TEST_GROUP_ID}") {{ id }}  b: group(id: "{JESS_ID}") {{ id }} }}"""
    answer = await chaos.ask(query)
    chaos.all_meet(None)
    assert answer["data"] == {"a": {"id": TEST_GROUP_ID}, "b": None}
    assert [error["path"] for error in answer["errors"]] == [["b"]]
    assert codes(answer) == {code}
