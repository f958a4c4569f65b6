"""Settings: where they come from, which one counts, and what is said about a wrong one."""

from pathlib import Path
from typing import Any

import pytest

from cli.commands import run
from cli.failing import Failing
from group_gateway.cache.redis.address import SCHEMES
from group_gateway.config import PREFIX, SETTINGS, Settings, SettingsError, read_settings


def wrong(value: str, name: str = "PORT", **flags: Any) -> str:
    """Return the sentence about a variable."""
    with pytest.raises(SettingsError) as caught:
        read_settings({f"{PREFIX}{name}": value} if value else {}, flags)
    return str(caught.value)


@pytest.mark.parametrize("command", ["sandbox", "serve", "doctor"])
def test_command_ends_with_the_sentence(command: str, failing: Failing) -> None:
    """A wrong setting is one sentence and exit status 1, for every command that has settings."""
    assert failing(command, upstream_ulr="http://127.0.0.1") == (
        "There is no setting GROUP_GATEWAY_UPSTREAM_ULR; did you mean GROUP_GATEWAY_UPSTREAM_URL?"
    )


def test_every_setting_is_described() -> None:
    """Each setting has a description, and nothing else has."""
    assert sorted(SETTINGS) == sorted(Settings.__struct_fields__)


def test_flags_before_variables_before_the_file(tmp_path: Path) -> None:
    """A flag counts before a variable, and a variable before the `.env` file."""
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"{PREFIX}PORT=1\n{PREFIX}HOST=file.test\n{PREFIX}CACHE_TTL=3\nOTHER=4\n")
    environment = {f"{PREFIX}PORT": "2", f"{PREFIX}HOST": "variable.test", "HOME": "/"}
    settings = read_settings(environment, {"port": 5, "host": None}, dotenv=dotenv)
    assert (settings.port, settings.host, settings.cache_ttl) == (5, "variable.test", 3.0)


def test_command_reads_the_file_where_it_runs(tmp_path: Path) -> None:
    """The `.env` file of the working folder counts, also one with a mistake."""
    (tmp_path / ".env").write_text(f"# mine\n{PREFIX}POTR=1\n")
    sentence = run("serve", cwd=tmp_path).sentence
    assert sentence == "There is no setting GROUP_GATEWAY_POTR; did you mean GROUP_GATEWAY_PORT?"


def test_empty_variable_is_not_set(tmp_path: Path) -> None:
    """An empty variable takes the default, and takes back what the file says."""
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"{PREFIX}UPSTREAM_URL=http://a.test\n{PREFIX}PORT\n")
    settings = read_settings({f"{PREFIX}UPSTREAM_URL": " "}, {}, dotenv=dotenv)
    assert settings == Settings()


def test_file_is_taken_as_it_is(tmp_path: Path) -> None:
    """Nothing is put in place of a `$` in the file: a secret may hold one."""
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"{PREFIX}SECRET='0123456789${{HOME}}abc'\n")
    assert read_settings({}, {}, dotenv=dotenv).secret == "0123456789${HOME}abc"


def test_unreadable_file(tmp_path: Path) -> None:
    """A `.env` file that is no text is one sentence."""
    dotenv = tmp_path / ".env"
    dotenv.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=r"\.env can't be read as a file of settings\.$"):
        read_settings({}, {}, dotenv=dotenv)


@pytest.mark.parametrize(
    "line", ["{}: 1", 'export {}="1', 'set {}="hunter2"', '{}="hunter2" hunter2', "{}='hunter2"]
)
def test_line_that_sets_nothing(line: str, tmp_path: Path) -> None:
    """An invalid line of the `.env` file is an error with the line's number."""
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"OTHER: 1\n\n\n{line.format(PREFIX + 'PORT')}\n{PREFIX}HOST=a.test\n")
    with pytest.raises(SettingsError) as caught:
        read_settings({}, {}, dotenv=dotenv)
    told = f"{dotenv}, line 4, can't be read: write NAME=value, quotes in pairs."
    assert str(caught.value) == told


def test_lines_of_other_programs(tmp_path: Path) -> None:
    """What can't be read and has none of the settings' names is another program's business."""
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"OTHER: 1\nset MORE=2\n{PREFIX}PORT=9\n")
    assert read_settings({}, {}, dotenv=dotenv).port == 9


@pytest.mark.parametrize(
    ("name", "value", "takes"),
    [
        ("PORT", "eighty", "a whole number from 0 to 65535"),
        ("PORT", "65536", "a whole number from 0 to 65535"),
        ("PORT", "80.5", "a whole number from 0 to 65535"),
        ("WORKERS", "0", "a whole number from 1 to 256"),
        ("CACHE_TTL", "-1", "a number from 0 to 86400"),
        ("CACHE_TTL", "1 minute", "a number from 0 to 86400"),
        ("DEADLINE", "0", "a number above 0, at most 600"),
        ("DEADLINE", "nan", "a number above 0, at most 600"),
        ("GRAPHIQL", "maybe", "true or false (also yes and no, on and off, 1 and 0)"),
        ("UDS_MODE", "rw-rw----", "three octal digits, such as 660"),
        ("UDS_MODE", "1660", "three octal digits, such as 660"),
        ("LOG_LEVEL", "loud", "one of debug, error, info, warning"),
    ],
)
def test_wrong_value(name: str, value: str, takes: str) -> None:
    """A value of the wrong kind is an error that says what is valid, without the value."""
    assert wrong(value, name) == f"{PREFIX}{name} is wrong: it takes {takes}."


def test_wrong_flag() -> None:
    """An error about a flag's value names the flag."""
    assert wrong("", port=99_999) == "--port is wrong: it takes a whole number from 0 to 65535."


@pytest.mark.parametrize("word", ["true", "TRUE", "yes", "On", "1"])
def test_words_for_true(word: str) -> None:
    """A switch takes the words that people use."""
    assert read_settings({f"{PREFIX}ALLOW_ANONYMOUS": word}, {}).allow_anonymous


@pytest.mark.parametrize("word", ["false", "NO", "off", "0"])
def test_words_for_false(word: str) -> None:
    """And so it does to be switched off."""
    assert not read_settings({f"{PREFIX}GRAPHIQL": word}, {}).graphiql


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("LOG_LEVEL", "WARNING", "warning"),
        ("CALLERS", "Pass-Through", "pass-through"),
        ("TRUSTED_DOCUMENTS_MODE", "off", "off"),
        ("TRUSTED_DOCUMENTS_MODE", "OFF", "off"),
        ("SECRET", "0123456789ABCDEF", "0123456789ABCDEF"),
        ("JWT_AUDIT_CLAIM", "On", "On"),
        ("UDS_MODE", "0660", "0660"),
    ],
)
def test_words_as_their_settings_take_them(name: str, value: str, taken: str) -> None:
    """Where words are listed capitals do not matter; a text stays as it is, whatever it says."""
    settings = read_settings({f"{PREFIX}{name}": value}, {}, serving=False)
    assert getattr(settings, name.lower()) == taken


def test_capitals_in_a_flag() -> None:
    """Capitals do not matter in a flag either."""
    assert read_settings({}, {"log_level": "ERROR"}).log_level == "error"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("fumage-acme.canvasmedical.com", "it starts with http:// or https://"),
        ("ftp://acme.test", "it starts with http:// or https://"),
        ("https://", "it is an address with a host, and without blanks"),
        ("https://acme.test/fhir?page=1", "it is a base URL, with no query"),
        ("https://acme.test/fhir#top", "it is a base URL, with no query"),
        ("https://me:secret@acme.test/fhir", "it holds no user name or password"),
        ("https://acme.test:99999", "it is an address with a host, and without blanks"),
        ("https://[acme.test", "it is an address with a host, and without blanks"),
    ],
)
def test_wrong_base_url(url: str, why: str) -> None:
    """An invalid base URL is an error, which does not repeat the URL."""
    assert wrong(url, "UPSTREAM_URL") == f"{PREFIX}UPSTREAM_URL is wrong: {why}."


def test_wrong_cache_url() -> None:
    """A cache must be one of the kinds that there are."""
    sentence = wrong("memcached://localhost", "CACHE_URL")
    kinds = " or ".join(f"{scheme}://" for scheme in sorted({"memory", *SCHEMES}))
    assert sentence == f"{PREFIX}CACHE_URL is wrong: it starts with {kinds}."


@pytest.mark.parametrize("url", ["redis://cache.test:abc", "rediss://[cache.test"])
def test_a_cache_url_that_leads_nowhere(url: str) -> None:
    """It is one sentence, where the client of Redis would have none."""
    assert wrong(url, "CACHE_URL") == f"{PREFIX}CACHE_URL is wrong: its host or port can't be one."


@pytest.mark.parametrize("name", ["SECRET", "ROUTER_KEY"])
def test_short_secret(name: str) -> None:
    """A secret that can be guessed is refused."""
    assert wrong("guessed", name) == f"{PREFIX}{name} is too short: take 16 characters or more."


NO_SCHEME = "has no scheme, such as https://"
PATH = "has a path or a slash at its end, which no origin has"
NONE = "is no origin, such as https://app.example"
TOO_WIDE = "covers hosts of anybody: `*` stands before a domain"


@pytest.mark.parametrize(
    ("origin", "fault"),
    [
        ("*", NO_SCHEME),
        ("app.example", NO_SCHEME),
        ("capacitor:localhost", NO_SCHEME),
        ("https://app.example/", PATH),
        ("http://localhost:3000/app", PATH),
        ("https://a.example;https://b.example", PATH),
        ("https://a.example https://b.example", PATH),
        ("https://*", TOO_WIDE),
        ("https://*.example", TOO_WIDE),
        ("http://*.168.1.1", TOO_WIDE),
        ("https://app.*.example.com", NONE),
        ("https://app.example:99999999", NONE),
        ("https://app.example:65536", NONE),
        ("https://app.example:0", NONE),
        ("https://me:hunter2@app.example", NONE),
        ("https://app.example?a", NONE),
    ],
)
def test_origins(origin: str, fault: str) -> None:
    """Origins are listed one by one, as browsers write them; no value allows every origin."""
    assert wrong(f"https://good.example:8443, {origin}", "CORS_ORIGINS") == (
        f"{PREFIX}CORS_ORIGINS is wrong: entry 2 {fault}. It takes origins, separated by commas."
    )


def test_headers_of_pages() -> None:
    """Headers that pages may send are names, separated by commas."""
    assert wrong("x-a b", "CORS_HEADERS") == (
        f"{PREFIX}CORS_HEADERS is wrong: it takes names of headers, such as x-request-id,"
        " separated by commas."
    )


@pytest.mark.parametrize("proxies", ["proxy.internal", "10.0.0.0/40", "10.0.0.1;10.0.0.2"])
def test_trusted_proxies(proxies: str) -> None:
    """Proxies are named by address or network."""
    assert wrong(proxies, "TRUSTED_PROXIES") == (
        f"{PREFIX}TRUSTED_PROXIES is wrong: it takes IP addresses and networks, such as"
        " 10.0.0.0/8, separated by commas."
    )


def test_all_answers_have_room_for_one() -> None:
    """What all upstream answers may have together is no less than what one may have."""
    assert wrong("63", "UPSTREAM_TOTAL_MEGABYTES") == (
        f"{PREFIX}UPSTREAM_TOTAL_MEGABYTES is wrong: one answer alone may have 64"
        f" ({PREFIX}UPSTREAM_MEGABYTES)."
    )


def test_encryption_needs_a_secret() -> None:
    """What a key is made of must not be what everybody knows."""
    sentence = wrong("yes", "CACHE_ENCRYPTION")
    assert sentence == f"{PREFIX}SECRET is missing: the cache is encrypted with it."


def test_key_needs_no_secret_but_may_have_one() -> None:
    """Replicas of the same deployment agree on their key, and a secret makes it another."""
    here = Settings(upstream_url="http://a.test")
    there = Settings(upstream_url="http://a.test", port=1)
    secret = Settings(upstream_url="http://a.test", secret="0123456789abcdef")
    assert here.key() == there.key() != secret.key()
