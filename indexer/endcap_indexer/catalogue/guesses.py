"""Which field is what, guessed from a catalogue's first rows: names first, then values.

The guess is a `[catalogue]` table, so that what was guessed can be written down and changed.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any

from endcap_indexer.catalogue.values import WrongValue, read_id
from endcap_indexer.exceptions import FieldsError

_ID = "id product_id productid item_id asin parent_asin sku code handle ean gtin".split()
_TITLE = "title name product_name product_title productname item_name label".split()
_BRAND = "brand brand_name manufacturer vendor maker".split()
_DESCRIPTION = (
    "description product_description long_description body body_html details summary"
).split()
_CATEGORY = (
    "categories category category_path category_name product_type breadcrumbs taxonomy department"
).split()
_PRICE = "price list_price sale_price unit_price price_cents amount".split()
_POPULARITY = (
    "popularity sales sold units_sold orders purchases rating_count ratings_count rating_number "
    "review_count reviews_count num_reviews views clicks"
).split()
_CODES = frozenset("sku ean eans gtin upc isbn mpn zip part_number model_number".split())
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d+)?")
_LONGEST_KEYWORD = 60  # characters
_MOST_KEYWORD_WORDS = 4  # on average
_SHORTEST_VECTOR = 16


def guess_table(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The `[catalogue]` table for rows like these; FieldsError where no id or no title is found."""
    values = _values_by_field(rows)
    named = {
        role: _first(names, values, fits)
        for role, (names, fits) in {
            "id": (_ID, lambda found: _are_nearly_all(_count_ids(found), rows)),
            "title": (_TITLE, _are_titles),
            "brand": (_BRAND, _are_texts),
            "description": (_DESCRIPTION, lambda found: _are_texts(_flat(found))),
            "category": (_CATEGORY, lambda found: _are_texts(_flat(found))),
            "price": (_PRICE, _are_numbers),
            "popularity": (_POPULARITY, _are_numbers),
        }.items()
    }
    for role in ("id", "title"):
        if not named[role]:
            raise FieldsError(
                f"no field looks like the {role} among {', '.join(values) or 'none'}: "
                f'write {role} = "…" under [catalogue] in endcap.toml'
            )
    return _table(named, _by_kind(values, {name for name in named.values() if name}))


def _table(named: dict[str, str | None], kinds: dict[str, list[str]]) -> dict[str, Any]:
    title, brand, description, category = (
        [name] if (name := named[role]) else []
        for role in ("title", "brand", "description", "category")
    )
    text = dict.fromkeys(title, 2.0) | dict.fromkeys(brand, 1.0) | dict.fromkeys(description, 2.0)
    text |= dict.fromkeys(category + kinds["text"], 1.0) | dict.fromkeys(kinds["objects"], 0.8)
    table: dict[str, Any] = {
        role: named[role] for role in ("id", "title", "category", "price", "popularity")
    }
    table |= {"text": text, "embed": title + category + description}
    table |= {role: kinds[role] for role in ("objects", "booleans", "numbers", "dates")}
    table |= {"keywords": brand + kinds["keywords"], "vector": next(iter(kinds["vector"]), None)}
    return {role: value for role, value in table.items() if value}


def _values_by_field(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Field → its values that say something, fields in the order in which they first come."""
    values: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            if value not in (None, "", [], {}):
                values.setdefault(name, []).append(value)
    return {name: found for name, found in values.items() if not name.startswith(("_", "endcap"))}


def _first(
    names: Sequence[str], values: Mapping[str, list[Any]], fits: Callable[[list[Any]], bool]
) -> str | None:
    folded = {name.casefold().replace(" ", "_").replace("-", "_"): name for name in values}
    candidates = (folded[name] for name in names if name in folded)
    return next((name for name in candidates if fits(values[name])), None)


def _by_kind(values: Mapping[str, list[Any]], taken: set[str]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {
        kind: []
        for kind in (
            "text",
            "objects",
            "keywords",
            "booleans",
            "numbers",
            "dates",
            "vector",
            "none",
        )
    }
    for name, found in values.items():
        if name not in taken:
            kinds[_kind(name, found)].append(name)
    return kinds


def _kind(name: str, found: list[Any]) -> str:
    if name.casefold() in _CODES:
        return "keywords" if _are_codes(_flat(found)) else "none"
    for kind, fits in _KINDS.items():
        if fits(found):
            return kind
    return "none"


def _are_nearly_all(count: int, among: Sequence[Any]) -> bool:
    """All but one in a hundred, rounded: an odd row decides neither the id nor the title."""
    return count >= len(among) - round(len(among) / 100)


def _count_ids(found: list[Any]) -> int:
    """How many products these ids tell apart."""
    ids = set()
    for value in found:
        with suppress(WrongValue):
            ids.add(read_id(value))
    return len(ids)


def _are_titles(found: list[Any]) -> bool:
    """Nearly all texts or whole numbers, for a book may be called 1984; not all numbers."""
    usable = sum(isinstance(v, str | int) and not isinstance(v, bool) for v in found)
    return _are_nearly_all(usable, found) and any(isinstance(value, str) for value in found)


def _are_vectors(found: list[Any]) -> bool:
    return all(
        isinstance(value, list) and len(value) >= _SHORTEST_VECTOR and _are_floats(value)
        for value in found
    )


def _are_floats(found: list[Any]) -> bool:
    return all(isinstance(value, float | int) for value in found) and any(
        isinstance(value, float) for value in found
    )


def _are_numbers(found: list[Any]) -> bool:
    return all(
        _NUMBER.fullmatch(value)
        if isinstance(value, str)
        else isinstance(value, int | float) and not isinstance(value, bool)
        for value in found
    )


def _are_booleans(found: list[Any]) -> bool:
    return all(isinstance(value, bool) or value in ("true", "false") for value in found)


def _are_texts(found: list[Any]) -> bool:
    return bool(found) and all(isinstance(value, str) for value in found)


def _are_codes(found: list[Any]) -> bool:
    return all(isinstance(value, str | int) and not isinstance(value, bool) for value in found)


def _are_keywords(found: list[Any]) -> bool:
    flat = _flat(found)
    return (
        _are_texts(flat)
        and not any(value.startswith(("http://", "https://")) for value in flat)
        and max(map(len, flat)) <= _LONGEST_KEYWORD
        and sum(len(value.split()) for value in flat) <= _MOST_KEYWORD_WORDS * len(flat)
    )


def _are_searched(found: list[Any]) -> bool:
    flat = _flat(found)
    return _are_texts(flat) and not any(value.startswith(("http://", "https://")) for value in flat)


def _flat(found: list[Any]) -> list[Any]:
    """Values, or the values of lists of values, at any depth."""
    while any(isinstance(value, list) for value in found):
        found = list(chain.from_iterable(v if isinstance(v, list) else [v] for v in found))
    return found


_KINDS: dict[str, Callable[[list[Any]], bool]] = {
    "booleans": _are_booleans,
    "numbers": _are_numbers,
    "dates": lambda found: all(
        isinstance(v, str) and _DATE.fullmatch(v) is not None for v in found
    ),
    "vector": _are_vectors,
    "objects": lambda found: all(isinstance(value, dict) for value in found),
    "keywords": _are_keywords,
    "text": _are_searched,
}
