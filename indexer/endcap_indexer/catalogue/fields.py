"""Which field of a product is what: the `[catalogue]` table of endcap.toml, or a guess."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, Self

from endcap_indexer.catalogue.guesses import guess_table
from endcap_indexer.exceptions import FieldsError

ANALYZERS = ("english", "standard")


@dataclass(frozen=True)
class CatalogueFields:
    """The roles of a catalogue's fields; a field without one is shown with the product only."""

    id: str = "id"
    title: str = "title"
    text: Mapping[str, float] = field(
        default_factory=dict
    )  # searched: field → boost; default title
    embed: tuple[str, ...] = ()  # joined into the text that is embedded; default title
    objects: tuple[str, ...] = ()  # free attributes, {name: value}; searched where they are in text
    keywords: tuple[str, ...] = ()  # exact values, to filter and to count
    booleans: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()  # ISO 8601, or milliseconds since 1970
    category: str | None = None  # one path ("A > B" or a list of levels), or a list of paths
    price: str | None = None
    popularity: str | None = None  # sales, views, ratings: more is better, never negative
    vector: str | None = None  # a vector the shop brings itself; nothing is embedded then
    analyzer: str = "english"
    embed_characters: int = 300  # of each field in embed
    # Not of the table: a value that does not fit a guessed role costs the value, not the product.
    guessed: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", dict(self.text) or {self.title: 2.0})
        object.__setattr__(self, "embed", tuple(self.embed) or (self.title,))
        for check in (_check_choices, _check_boosts, _check_names, _check_roles):
            check(self)

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """The roles of a `[catalogue]` table; FieldsError names the key and what to write."""
        known = {role.name for role in _written(cls)}
        for key in table:
            if key not in known:
                raise FieldsError(
                    f"catalogue.{key}: unknown key; known are {', '.join(sorted(known))}"
                )
        return cls(**{key: _read(key, value) for key, value in table.items()})

    @classmethod
    def guess(cls, rows: Sequence[Mapping[str, Any]]) -> Self:
        """Roles from a catalogue's first rows; FieldsError where no id or no title is found."""
        return replace(cls.from_table(guess_table(rows)), guessed=True)

    def to_table(self) -> dict[str, Any]:
        """The `[catalogue]` table of these roles: `from_table` reads it back."""
        table = {role.name: getattr(self, role.name) for role in _written(type(self))}
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in table.items()
            if value not in (None, (), {})
        }

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of a product's columns: price and popularity by role, numbers by field."""
        roles = tuple(role for role in ("price", "popularity") if getattr(self, role))
        return roles + self.numbers

    @property
    def query_fields(self) -> tuple[str, ...]:
        """What a multi_match query asks for, such as `title^2` and `endcap.attributes^0.8`."""
        return tuple(f"{self.searched_as(name)}^{boost:g}" for name, boost in self.text.items())

    def searched_as(self, name: str) -> str:
        """Where the engine holds the text of a field: that of free attributes is derived."""
        return f"endcap.{name}" if name in self.objects else name

    def describe(self) -> list[str]:
        """One line for each field with a role: `title  title, text with boost 2, embedded`."""
        roles = {name: ", ".join(self._roles(name)) for name in self._names()}
        width = max(map(len, roles))
        return [f"{name:<{width}}  {said}" for name, said in roles.items()]

    def _names(self) -> list[str]:
        lists = (
            self.text,
            self.embed,
            self.objects,
            self.keywords,
            self.booleans,
            self.numbers,
            self.dates,
        )
        singles = (self.id, self.title, self.category, self.price, self.popularity, self.vector)
        names = [*singles[:2], *(name for names in lists for name in names), *singles[2:]]
        return list(dict.fromkeys(name for name in names if name))

    def _roles(self, name: str) -> list[str]:
        singles = ("id", "title", "category", "price", "popularity", "vector")
        lists = {
            "free attributes": self.objects,
            "keyword": self.keywords,
            "boolean": self.booleans,
            "number": self.numbers,
            "date": self.dates,
        }
        roles = [role for role in singles if getattr(self, role) == name]
        roles += [role for role, names in lists.items() if name in names]
        roles += [f"text with boost {self.text[name]:g}"] if name in self.text else []
        return roles + (["embedded"] if name in self.embed else [])


def _written(roles: type[CatalogueFields]) -> tuple[Field[Any], ...]:
    """What a `[catalogue]` table may say."""
    return tuple(role for role in fields(roles) if role.name != "guessed")


def _read(key: str, value: Any) -> Any:
    read: Callable[[str, Any], Any] = _READERS.get(key, _read_name)
    return read(key, value)


def _read_name(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise FieldsError(
            f'catalogue.{key} is {value!r}; write the name of a field, such as "{key}"'
        )
    return value


def _read_names(key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(
        isinstance(name, str) and name for name in value
    ):
        raise FieldsError(
            f'catalogue.{key} is {value!r}; write a list of fields, such as ["brand"]'
        )
    return tuple(value)


def _read_boosts(key: str, value: Any) -> Mapping[str, float]:
    if isinstance(value, list | tuple):
        return dict.fromkeys(_read_names(key, value), 1.0)
    if not isinstance(value, Mapping) or not all(_is_number(boost) for boost in value.values()):
        raise FieldsError(
            f"catalogue.{key} is {value!r}; write the fields with their boosts, "
            "such as { title = 2.0, description = 1.0 }"
        )
    return {name: float(boost) for name, boost in value.items()}


def _read_count(key: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise FieldsError(f"catalogue.{key} is {value!r}; write a whole number from 1, such as 300")
    return value


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "text": _read_boosts,
    "embed_characters": _read_count,
    **dict.fromkeys(("embed", "objects", "keywords", "booleans", "numbers", "dates"), _read_names),
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_choices(roles: CatalogueFields) -> None:
    if roles.analyzer not in ANALYZERS:
        raise FieldsError(
            f"catalogue.analyzer is {roles.analyzer!r}; write {' or '.join(ANALYZERS)}"
        )


def _check_boosts(roles: CatalogueFields) -> None:
    for name, boost in roles.text.items():
        if not (math.isfinite(boost) and boost > 0):
            raise FieldsError(f"catalogue.text.{name} is {boost}; write a boost above 0")


def _check_names(roles: CatalogueFields) -> None:
    for name in roles._names():
        if name == "_id" == roles.id:  # of a document that the shop's own programs write
            continue
        if name == "endcap" or name.startswith(("endcap.", "_")):
            raise FieldsError(
                f"catalogue: the field {name!r} has a reserved name; rename it in the catalogue"
            )
    taken = {"price": roles.price, "popularity": roles.popularity}
    for name in roles.numbers:
        if taken.get(name) is not None:
            raise FieldsError(
                f"catalogue.numbers names {name!r}, the name of a role that is already given"
            )


def _check_roles(roles: CatalogueFields) -> None:
    """Each field has one type in the engine; an id, text and a keyword may be one field."""
    typed = {
        "id": (roles.id,),
        "objects": roles.objects,
        "booleans": roles.booleans,
        "numbers": roles.numbers,
        "dates": roles.dates,
        "price": (roles.price,),
        "popularity": (roles.popularity,),
        "vector": (roles.vector,),
        "text": tuple(name for name in (*roles.text, *roles.embed) if name not in roles.objects),
        "keywords": roles.keywords,
    }
    first: dict[str, str] = {}
    for role, names in typed.items():
        for name in filter(None, names):
            other = first.setdefault(name, role)
            if other != role and not {other, role} <= {"id", "text", "keywords"}:
                raise FieldsError(
                    f"catalogue: {name!r} stands under {other} and under {role}; keep one"
                )
