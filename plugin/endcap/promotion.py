"""Which artefacts searches use: one file that names them, replaced atomically, with its history."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from endcap.exceptions import ArtefactError
from endcap_indexer import files

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Promoted:
    """One promotion. before: what it replaced. forced: although its own run's baselines, which
    `reason` names, are as good. at: ISO 8601, UTC.
    """

    kind: str
    name: str
    before: str | None
    at: str
    forced: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Pointer:
    """artefacts: the promoted one by kind. history: the promotions, oldest first."""

    artefacts: Mapping[str, str]
    history: tuple[Promoted, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Self:
        """Empty where nothing was promoted; raises `ArtefactError`."""
        try:
            pointer = files.unsealed(path.read_bytes())
            artefacts = {str(kind): str(name) for kind, name in pointer["artefacts"].items()}
            written = pointer["format"]
            history = tuple(Promoted(**each) for each in pointer.get("history", ()))
        except FileNotFoundError:
            return cls({})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ArtefactError(
                f"{path} is damaged ({error!r}); remove it, then train and tune again"
            ) from error
        if written != FORMAT:
            raise ArtefactError(
                f"{path} has format {written!r}, this version reads {FORMAT};"
                " remove it, then train and tune again"
            )
        return cls(artefacts, history)

    def write(self, path: Path) -> None:
        history = [asdict(each) for each in self.history]
        pointer = {"format": FORMAT, "artefacts": dict(self.artefacts), "history": history}
        files.write_file(path, files.sealed(pointer))

    def with_promotion(
        self, kind: str, name: str, at: str, *, forced: bool = False, reason: str | None = None
    ) -> "Pointer":
        promoted = Promoted(kind, name, self.artefacts.get(kind), at, forced, reason)
        return Pointer({**self.artefacts, kind: name}, (*self.history, promoted))

    def without_last(self, kind: str) -> "Pointer":
        """As it was before the last promotion of this kind; raises `ArtefactError`."""
        places = [place for place, each in enumerate(self.history) if each.kind == kind]
        if not places:
            raise ArtefactError(f"no {kind} was promoted, so there is nothing to go back to")
        before = self.history[places[-1]].before
        others = {each: name for each, name in self.artefacts.items() if each != kind}
        artefacts = others if before is None else {**others, kind: before}
        return Pointer(artefacts, (*self.history[: places[-1]], *self.history[places[-1] + 1 :]))

    def renamed(self, names: Mapping[str, str]) -> "Pointer":
        """With the new names of artefacts that were written anew."""

        def now(name: str | None) -> str | None:
            return None if name is None else names.get(name, name)

        artefacts = {kind: names.get(name, name) for kind, name in self.artefacts.items()}
        history = (
            Promoted(**{**asdict(each), "name": now(each.name), "before": now(each.before)})
            for each in self.history
        )
        return Pointer(artefacts, tuple(history))


def why_not_better(facts: Mapping[str, Any]) -> str | None:
    """The baselines of a run that its model does not beat; None where it beats them all.

    facts: `metrics` holds the name of the `metric`, its value for the `model`, and by `baselines`.
    """
    metrics = facts.get("metrics")
    if metrics is None:
        return None
    model = float(metrics["model"])
    as_good = {n: float(v) for n, v in metrics["baselines"].items() if not model > float(v)}
    if not as_good:
        return None
    said = ", ".join(f"{name} {value:.4f}" for name, value in as_good.items())
    return f"{metrics['metric']} is {model:.4f}, and of the same run {said}"
