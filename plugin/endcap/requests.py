"""One search as the caller wrote it: body, index and options, and what of it is ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from endcap.cursors import Cursor
from endcap.exceptions import RequestError

OPTIONS = {
    "user": str,
    "session": str,
    "history": list,
    "query": str,
    "recall": str,
    "fusion": str,
    "window": int,
    "budget_ms": (int, float),
    "floor": (int, float),
    "weights": dict,
    "cursor": str,
    "explain": bool,
    "rerank": bool,
}
CHOICES = {"recall": ("both", "lexical", "vector"), "fusion": ("convex", "rrf")}


@dataclass(frozen=True, slots=True)
class Options:
    """What `ext.endcap` and the keyword arguments of one request say; None: as the client or the
    tuning says.
    """

    user: str | None = None
    session: str | None = None
    history: tuple[str, ...] | None = None
    query: str | None = None
    recall: str | None = None
    fusion: str | None = None
    window: int | None = None
    budget_ms: float | None = None
    floor: float | None = None
    weights: Mapping[str, float] | None = None
    cursor: Cursor | None = None
    explain: bool = False
    rerank: bool = True

    @classmethod
    def read(cls, section: Any, **keywords: Any) -> "Options":
        """Check a request's own section; `RequestError` names the key and what to type."""
        if not isinstance(section, Mapping):
            raise RequestError(f"ext.endcap must be an object, not {type(section).__name__}")
        given = {
            **section,
            **{name: value for name, value in keywords.items() if value is not None},
        }
        for name, value in given.items():
            if name not in OPTIONS:
                raise RequestError(f"ext.endcap.{name} is unknown; it takes {', '.join(OPTIONS)}")
            if not isinstance(value, OPTIONS[name]):  # type: ignore[arg-type]
                raise RequestError(f"ext.endcap.{name} is {value!r}; it takes {_kind(name)}")
            if name in CHOICES and value not in CHOICES[name]:
                raise RequestError(f"ext.endcap.{name} is {value!r}; it takes {_kind(name)}")
        if given.get("window", 1) < 1:
            raise RequestError(f"ext.endcap.window is {given['window']}; it takes a number from 1")
        if "history" in given:
            given["history"] = tuple(str(item) for item in given["history"])
        if "cursor" in given:
            given["cursor"] = Cursor.decode(given["cursor"])
        return cls(**given)


def _kind(name: str) -> str:
    if name in CHOICES:
        return " or ".join(CHOICES[name])
    kinds = {
        str: "a string",
        int: "a whole number",
        dict: "an object",
        list: "a list",
        bool: "true or false",
    }
    return kinds.get(OPTIONS[name], "a number")  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A call of `OpenSearch.search`: `body` without our section, `arguments` as they were given."""

    index: Any
    body: Mapping[str, Any]
    arguments: Mapping[str, Any]
    options: Options = field(default_factory=Options)

    def option(self, name: str, default: Any = None) -> Any:
        """A search option by its REST name: the URL wins over the body, a keyword over `params`."""
        keyword = "from_" if name == "from" else name
        for place in (self.arguments, self.arguments.get("params") or {}):
            for spelling in (keyword, name):
                if place.get(spelling) is not None:
                    return place[spelling]
        return self.body.get(name, default)

    @property
    def aggregates(self) -> bool:
        """Whether the caller counts as well as searches."""
        return bool(self.body.get("aggs") or self.body.get("aggregations"))

    def without(self, *names: str) -> "SearchRequest":
        """The same request without these options, wherever they stand."""
        dropped = {*names, *("from_" for name in names if name == "from")}
        arguments = {k: v for k, v in self.arguments.items() if k not in dropped}
        if arguments.get("params"):
            arguments["params"] = {k: v for k, v in arguments["params"].items() if k not in dropped}
        body = {k: v for k, v in self.body.items() if k not in dropped}
        return replace(self, arguments=arguments, body=body)

    def asking(self, index: str | None = None, **body: Any) -> "SearchRequest":
        """The same request with these keys of the body replaced."""
        return replace(self, index=index or self.index, body={**self.body, **body})

    def keywords(self) -> dict[str, Any]:
        """The keyword arguments of the plain client's `search`."""
        return {"body": self.body, "index": self.index, **self.arguments}


def read_request(
    body: Any, index: Any, arguments: Mapping[str, Any], **keywords: Any
) -> SearchRequest:
    """Take our section out of a request; the caller's objects are not changed."""
    if body is None:
        body = {}
    extension = body.get("ext") if isinstance(body, Mapping) else None
    if not isinstance(extension, Mapping) or "endcap" not in extension:
        return SearchRequest(index, body, arguments, Options.read({}, **keywords))
    options = Options.read(extension["endcap"], **keywords)
    rest = {key: value for key, value in extension.items() if key != "endcap"}
    kept = {key: value for key, value in body.items() if key != "ext"}
    return SearchRequest(index, {**kept, "ext": rest} if rest else kept, arguments, options)
