"""The search pipeline that an index goes through unless a request says otherwise.

Its request processors are part of what the caller asks, so they act on every leg. Its response
processors act once, on the page. Where one of them orders or drops hits, the search is passed
through: it would undo what was re-ranked, or drop the wrong hits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from opensearchpy.exceptions import TransportError

from endcap.requests import SearchRequest
from endcap.steps import Call, Steps

# Response processors that leave every hit in its place.
IN_PLACE = frozenset(
    "rename_field split sort ml_inference retrieval_augmented_generation hybrid_score_explanation"
    " agentic_context".split()
)
NONE = "_none"


@dataclass(frozen=True, slots=True)
class SearchPipeline:
    """name: as the index names it. request_processors: as defined. reason: why hits that have gone
    through it cannot be re-ranked.
    """

    name: str
    request_processors: Sequence[Mapping[str, Any]]
    reason: str | None

    def objection(self, request: SearchRequest) -> str | None:
        """Why this request is passed through; None where it can be re-ranked."""
        if request.option("search_pipeline") == NONE:
            return None
        if self.reason is None and self.request_processors and "ext" in request.body:
            return f"ext may be meant for the default search pipeline {self.name}"
        return self.reason

    def on_leg(self, request: SearchRequest) -> SearchRequest:
        """The request of a leg, whose hits hold nothing that a response processor could read."""
        if request.option("search_pipeline") == NONE:
            return request
        acting = {"request_processors": list(self.request_processors)}
        return replace(request, body={**request.body, "search_pipeline": acting})


def default_pipeline(settings: Mapping[str, Any]) -> Steps[SearchPipeline | None]:
    """The pipeline that an index's settings name, read from the engine."""
    name = settings.get("index", {}).get("search", {}).get("default_pipeline", NONE)
    if name == NONE:
        return None
    try:
        found = yield Call("search_pipeline.get", {"id": name})
    except TransportError as error:
        return SearchPipeline(
            name, (), f"the default search pipeline {name} cannot be read: {error.error}"
        )
    return _read(name, found[name])


def _read(name: str, body: Mapping[str, Any]) -> SearchPipeline:
    asking = body.get("request_processors", ())
    answering = [key for processor in body.get("response_processors", ()) for key in processor]
    changing = [key for key in answering if key not in IN_PLACE]
    changing += [key for processor in asking for key in processor if key == "oversample"]
    if not changing:
        return SearchPipeline(name, asking, None)
    what = f"the default search pipeline {name} has {', '.join(changing)}"
    return SearchPipeline(name, asking, f"{what}: search_pipeline={NONE} leaves it out")
