"""Typed errors. Each says what is wrong, what to do about it, and which exit code the command line returns."""


class HmrVideoError(Exception):
    """Base of every error a user may meet. ``problem`` and ``remedy`` are one sentence each."""

    exit_code = 1

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy


class UsageError(HmrVideoError):
    """Options that contradict each other or have no meaning (exit code 2)."""

    exit_code = 2


def missing_extra(extra: str, purpose: str) -> UsageError:
    """The error of an optional dependency that is not installed; ``extra`` as pyproject.toml names it."""
    remedy = f'Install them, in the folder of the source: pip install ".[{extra}]".'
    return UsageError(f"{purpose} needs the packages of the extra `{extra}`.", remedy)


class InputError(HmrVideoError):
    """An input that is missing, of the wrong kind, or unreadable (exit code 3)."""

    exit_code = 3


class NobodyFoundError(HmrVideoError):
    """An input that could be read, but in which no person was found (exit code 4)."""

    exit_code = 4


class BatchError(HmrVideoError):
    """Some items of a batch failed (exit code 5)."""

    exit_code = 5


class AssetError(HmrVideoError):
    """Weights or a body model that is missing or damaged (exit code 6)."""

    exit_code = 6


class OutputError(HmrVideoError):
    """An output that cannot be written or exists already (exit code 7)."""

    exit_code = 7
