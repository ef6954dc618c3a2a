"""What a shopper who finds a product may have typed."""

import re
from collections.abc import Mapping
from typing import Any

from endcap_indexer.catalogue import CatalogueFields

TITLE_WORDS = 4
_WORD = re.compile(r"[^\W_]{2,}")


def words_of_product(product: Mapping[str, Any], fields: CatalogueFields) -> str:
    """The words of its first category path, else the first words of its title."""
    paths = category_paths(product.get(fields.category)) if fields.category else []
    if paths:
        return paths[0]
    return " ".join(str(product.get(fields.title, "")).split()[:TITLE_WORDS])


def category_paths(value: Any) -> list[str]:
    """The words of each path of a category field, in lower case, each where it stands last.

    A field holds one path, as text or as a list of levels, or a list of such lists. (Queries from
    category paths: Van Gysel et al., CIKM 2016; Ai et al., SIGIR 2017.)
    """
    paths = (
        value if isinstance(value, list) and any(isinstance(v, list) for v in value) else [value]
    )
    texts = (" ".join(map(str, path)) if isinstance(path, list) else path for path in paths)
    return [words for text in texts if text and (words := " ".join(_words(text)))]


def _words(text: str) -> list[str]:
    words = _WORD.findall(text.lower())
    return list(dict.fromkeys(reversed(words)))[::-1]
