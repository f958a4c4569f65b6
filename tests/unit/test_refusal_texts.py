"""What servers answer when they refuse a command becomes its name and a reason, without keys."""

import pytest
from redis.asyncio.connection import DefaultParser
from redis.exceptions import AuthenticationError, ResponseError

from group_gateway.cache.redis.refusals import refused

REDIS_5 = "unknown command `MGET`, with args beginning with: `group-gateway:3:key`, `b`, "
REDIS_7 = "unknown command 'MGET', with args beginning with: 'group-gateway:3:key' 'b' "
LASTING = ("unknown command", "NOPERM", "NOAUTH", "WRONGPASS")
IN_A_SCRIPT = "Error running script (call to f_a8e): @user_script:1: @user_script: 1: "


@pytest.mark.parametrize(
    ("command", "answer", "text"),
    [
        ("MGET", f"ERR {REDIS_5}", "Redis refuses MGET (unknown command)"),
        ("MGET", f"ERR {REDIS_7}", "Redis refuses MGET (unknown command)"),
        ("EVAL", f"ERR {IN_A_SCRIPT}Unknown Redis command called from Lua script",
         "Redis refuses a command in EVAL (unknown command)"),
        ("EVAL", f"ERR {IN_A_SCRIPT}-OOM command not allowed",
         "Redis refuses a command in EVAL (OOM)"),
        ("EVAL", "@user_script: 1: The user executing the script can't run this command",
         "Redis refuses a command in EVAL (NOPERM)"),
        ("SET", "NOPERM this user has no permissions to run the 'set' command or its subcommand",
         "Redis refuses SET (NOPERM)"),
        ("EVAL", "ERR ACL failure in script: User g has no permissions to run the 'xadd' command",
         "Redis refuses XADD (NOPERM)"),
        ("GET", "NOPERM No permissions to access a key", "Redis refuses GET (NOPERM)"),
        ("GET", "WRONGPASS invalid username-password pair or user is disabled.",
         "Redis refuses the user or password (WRONGPASS)"),
        ("GET", "ERR invalid password", "Redis refuses the user or password (WRONGPASS)"),
        ("GET", "NOAUTH Authentication required.", "Redis refuses the user or password (NOAUTH)"),
        ("SET", "MISCONF Redis is configured to save RDB snapshots, but",
         "Redis refuses SET (MISCONF)"),
        ("SET", "NOREPLICAS Not enough good replicas to write.", "Redis refuses SET (NOREPLICAS)"),
        ("GET", "BUSY Redis is busy running a script.", "Redis refuses GET (BUSY)"),
        ("GET", "WRONGTYPE Operation against a key holding the wrong kind of value",
         "Redis refuses GET (ERR)"),
    ],
)  # fmt: skip
def test_the_text_of_a_refusal(command: str, answer: str, text: str) -> None:
    """The texts are those of Redis 5.0, 6.2 and 7.0, and of Valkey 9.1."""
    error = DefaultParser.parse_error(answer)
    assert isinstance(error, ResponseError | AuthenticationError)
    refusal = refused(command, error)
    assert str(refusal) == text
    assert refusal.is_lasting is any(reason in text for reason in LASTING)
