"""The ways in which a gateway may know its callers, and what each of these may be shown."""

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from gateway.isolation import ENDLESS, KEYS, History, Moment, Span, Window
from group_gateway.sandbox.tokens import Caller
from identity.issuer import AUDIENCE, ISSUER, signed

SERVICE = {
    "service_client_id": "sandbox",
    "service_client_secret": "sandbox-secret",
    "service_token_url": "http://upstream.test/auth/token/",
}


@dataclass
class PassedOn:
    """The upstream knows them: it may be shown what it was shown to this token in time."""

    history: History
    people: dict[str, str] = field(default_factory=dict, init=False)
    listen: ClassVar[bool] = True
    """Whether they follow lists: subscriptions end when a token does by a clock that runs."""
    kinds: ClassVar[tuple[Caller, ...]] = (
        Caller(),
        Caller(half=True),
        Caller(writes=False),
        Caller(reads=False),
        Caller(half=True, writes=False),
    )

    def settings(self) -> dict[str, Any]:
        """Return the gateway's settings of authentication."""
        return {}

    def issue(self, kind: Caller) -> str:
        """Return a new token."""
        return self.history.issue(kind)

    def end(self, token: str) -> None:
        """Make a token worthless."""
        self.history.revoke(token)

    def allows(self, token: str, id: str, name: str, window: Window, _: Moment) -> bool:
        """Return whether a caller may be shown a name, having asked at a moment."""
        return self.history.allows(token, id, name, window)

    def allows_past(self, token: str, id: str, name: str, window: Window, _: Moment) -> bool:
        """Return whether somebody may be shown a name that a group has, or had once."""
        rights = self.history.rights[token]
        may_see = rights.reads and rights.sees(id) and window.meets(self.history.tokens[token])
        return may_see and self.history.had(id, name, window)

    def person(self, token: str) -> str | None:
        """Return the reference of who holds a token, if the gateway knows it."""
        return self.people.get(token)


class Known(PassedOn):
    """The gateway knows them, and asks with an account that sees all.

    The scopes of a token decide, and whether it is good when it is sent.
    """

    listen = False
    kinds = (Caller(), Caller(writes=False), Caller(reads=False), Caller(reads=False, writes=False))

    def allows(self, token: str, id: str, name: str, window: Window, began: Moment) -> bool:
        """See PassedOn."""
        good = self.history.tokens[token]
        if not self.history.rights[token].reads or began.time >= good.until.time:
            return False
        return any(span.of == name and window.meets(span) for span in self.history.names[id])

    def allows_past(self, token: str, id: str, name: str, window: Window, began: Moment) -> bool:
        """See PassedOn."""
        good = (
            self.history.rights[token].reads and began.time < self.history.tokens[token].until.time
        )
        return good and self.history.had(id, name, window)

    def _issued(self, token: str, kind: Caller, end: float) -> str:
        since = self.history.moment()
        self.history.tokens[token] = Span(token, since, Moment(ENDLESS, end))
        self.history.rights[token] = kind
        return token


def scopes(kind: Caller) -> str:
    """Write rights as scopes; a key without any would not be taken."""
    words = ["read"] * kind.reads + ["write"] * kind.writes
    return " ".join(f"user/Group.{word}" for word in words) or "user/Group.c"


@dataclass
class ByToken(Known):
    """By JWT: two people, with tokens of different scopes and lives."""

    rng: Random

    def settings(self) -> dict[str, Any]:
        """See PassedOn."""
        keys = {"jwt_keys_url": f"http://upstream.test{KEYS}", "jwt_leeway": 0.0}
        return {"callers": "jwt", "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE} | keys | SERVICE

    def issue(self, kind: Caller) -> str:
        """See PassedOn."""
        end = self.history.now + self.rng.choice([5, 12, 40])
        who = self.rng.choice(["ada", "bob"])
        said = {"sub": who, "fhirUser": f"Patient/{who}", "jti": str(self.history.moment().place)}
        token = signed(exp=int(end), iat=None, scope=scopes(kind), **said)
        self.people[token] = f"Patient/{who}"
        return self._issued(token, kind, end)

    def end(self, token: str) -> None:
        """Let a token expire by itself."""


@dataclass
class ByKey(Known):
    """By API key: they never change."""

    folder: Path

    def settings(self) -> dict[str, Any]:
        """See PassedOn."""
        file = self.folder / "keys"
        lines = [
            f"{number} {sha256(f'key-{number}'.encode()).hexdigest()} {scopes(kind)}"
            for number, kind in enumerate(self.kinds)
        ]
        file.write_text("\n".join(lines))
        return {"callers": "api-keys", "api_keys_file": str(file)} | SERVICE

    def issue(self, kind: Caller) -> str:
        """See PassedOn."""
        return self._issued(f"key-{self.kinds.index(kind)}", kind, ENDLESS)

    def end(self, token: str) -> None:
        """Change nothing: a key does not end."""
