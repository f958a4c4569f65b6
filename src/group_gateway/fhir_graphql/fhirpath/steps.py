"""The bound on FHIRPath evaluation, and the errors of expressions."""

from group_gateway.errors import BadUserInput


class StepBudget:
    """The steps that all expressions of one operation may take together."""

    def __init__(self, limit: int = 200_000) -> None:
        self._left = limit

    def spend(self, steps: int) -> None:
        """Count steps; raise BadUserInput when there are none left."""
        self._left -= steps
        if self._left < 0:
            raise wrong("takes too many steps")


def wrong(what: str) -> BadUserInput:
    """Return the error of an expression; `what` holds no data and follows its subject."""
    return BadUserInput(f"The FHIRPath expression {what}.")
