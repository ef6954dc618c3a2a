"""A choice by its name."""

from collections.abc import Mapping
from typing import TypeVar

from endcap_reranker.exceptions import ModelError

Choice = TypeVar("Choice")


def choose(kind: str, table: Mapping[str, Choice], name: str) -> Choice:
    """Raises ModelError that says which names there are."""
    if name not in table:
        raise ModelError(f"there is no {kind} {name!r}; it takes {', '.join(sorted(table))}")
    return table[name]
