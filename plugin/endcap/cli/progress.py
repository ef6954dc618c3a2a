"""Progress on a terminal: the rate and the time left of long work."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from endcap_reranker.training import Progress as TrainingStands


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


class TerminalProgress:
    """The indexer's `Progress`: one bar a stage; nothing is shown before the first begins."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._tasks:
            self._progress.stop()

    def advance(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage is."""
        self._progress.start()
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)


class TrainingProgress:
    """One bar: the epoch, how far it is, and what it has brought so far."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._progress.stop()

    def advance(self, at: TrainingStands) -> None:
        """Show where a training stands."""
        said = f"epoch {at.epoch}/{at.epochs}  loss {at.loss:.4f}"
        if at.best >= 0:
            said += f"  best NDCG@10 {at.best:.4f}"
        if self._task is None:
            self._progress.start()
            self._task = self._progress.add_task(said, total=at.batches)
        self._progress.update(self._task, description=said, completed=at.batch, total=at.batches)
