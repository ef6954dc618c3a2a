"""How far long work is, for whoever watches."""

from typing import Protocol


class Progress(Protocol):
    def advance(self, stage: str, done: int, total: int) -> None:
        """Called as a stage goes on: vectors `read back`, `products` read, embedded and sent, then
        `indexes` built; `rows` written into documents; `changes` followed.
        """


class Silence:
    """A progress that nobody watches."""

    def advance(self, stage: str, done: int, total: int) -> None: ...
