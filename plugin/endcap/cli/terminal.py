"""What is written on a terminal. Texts that are not ours, such as titles and errors, may look like
markup: they are written as they are.
"""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from endcap.event_sources import Unknown
from endcap.training import Kept
from endcap.updating import Updated
from endcap_indexer.catalogue import BadRows
from endcap_indexer.generations import Attached, Followed, Rehearsed, Reindexed
from endcap_reranker import Interactions


def open_console(*, stderr: bool = False) -> Console:
    """A console that colours and replaces nothing by itself."""
    return Console(stderr=stderr, emoji=False, highlight=False)


def say(console: Console, line: str, *, label: str = "", style: str = "") -> None:
    """One line, however long; only the label before it has a style."""
    text = Text.assemble((label, style), " " if label else "", line)
    console.print(text, soft_wrap=True)


def say_error(console: Console, error: Exception) -> None:
    """What went wrong, and where: of an operating system's error the file and the reason."""
    said = str(error)
    if isinstance(error, OSError) and error.strerror:
        said = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    say(console, said, label="error", style="red")


def say_bad_rows(console: Console, bad_rows: BadRows) -> None:
    """The first of the rows that were skipped."""
    for bad in bad_rows.first:
        say(console, str(bad), label="skipped", style="yellow")
    more = bad_rows.count - len(bad_rows.first)
    if more:
        say(console, f"{more:,} more", label="skipped", style="yellow")


def say_reindexed(console: Console, catalogue: Sequence[Path], done: Reindexed) -> None:
    """What a build did."""
    if done.unchanged:
        say(console, f"{_unchanged(catalogue)}: {done.generation} stays live")
        return
    line = (
        f"is live: {done.products:,} products, {done.embedded:,} embedded,"
        f" {done.reused:,} reused{_bad(done.bad_rows)}, {done.seconds:.1f} s"
    )
    say(console, line, label=done.generation, style="bold")
    for name in done.held:
        say(console, f"{name} is kept, since a reader still has it open")
    if done.carried:
        say(console, f"{done.carried:,} writes that were made meanwhile are carried along")


def say_rehearsed(console: Console, catalogue: Sequence[Path], done: Rehearsed) -> None:
    """What a build would do."""
    if done.unchanged:
        say(console, f"{_unchanged(catalogue)}: {done.live} would stay live")
        return
    line = (
        f"would be built: {done.products:,} products, {done.embedded:,} to embed"
        f"{_bad(done.bad_rows)}; nothing was written"
    )
    say(console, line, label=done.generation, style="bold")
    if done.live is not None:
        say(console, f"{done.live} is live, with {done.live_products:,} products")
    if done.shrunk:
        line = "it would be refused: fewer products than least_share under [gates] allows"
        say(console, line, label="but", style="yellow")
    for name in done.removed:
        say(console, f"{name} would be removed")


def say_attached(console: Console, name: str, done: Attached) -> None:
    """What was read and embedded, and what is slower without rows."""
    for field, count in done.left_out.items():
        say(
            console, f"{count:,} values of {field} are no numbers", label="left out", style="yellow"
        )
    line = (
        f"is live for {done.target}: {done.products:,} products, {done.embedded:,} embedded,"
        f" {done.reused:,} reused, {done.rows:,} rows written, {done.seconds:.1f} s"
    )
    say(console, line, label=done.generation, style="bold")
    if done.row_field is None:
        say(console, "hits are asked for by _id, which is slower; --row-field changes that")
    say(console, f"keep it up to date: endcap follow {name} --watch 5")


def say_followed(console: Console, name: str, done: Followed) -> None:
    """What changed."""
    line = (
        f"{done.read:,} documents read, {done.changed:,} products changed, {done.embedded:,}"
        f" embedded, {done.removed:,} gone, {done.rows:,} rows written, {done.seconds:.1f} s"
    )
    say(console, line, label=done.generation, style="bold")


def say_updated(console: Console, name: str, done: Updated) -> None:
    """What a file of changes did, and who sees to the vectors."""
    line = (
        f"{done.written:,} products written, {done.removed:,} removed{_bad(done.refused)},"
        f" {done.seconds:.1f} s"
    )
    say(console, line, label=name, style="bold")
    if done.waits_for is not None:
        line = f"vectors follow, since {done.waits_for}; if it builds another index, run afterwards"
        say(console, f"{line}: endcap follow {name}", label="later", style="yellow")
    elif done.followed is not None:
        say_followed(console, name, done.followed)


def say_left_out(console: Console, interactions: Interactions, unknown: Unknown) -> None:
    """What is not among the events, by its reason, and what the catalogue does not have."""
    for reason, count in interactions.report.items():
        say(console, f"{count:,} {reason}", label="left out", style="yellow")
    if unknown.products:
        line = f"{unknown.products:,} products with {unknown.events:,} events"
        say(console, f"{line} are not in the catalogue", label="but", style="yellow")


def say_counted(console: Console, name: str, interactions: Interactions, bad_rows: int) -> None:
    """What was counted."""
    line = (
        f"is promoted: {len(interactions):,} events of {interactions.n_users:,} shoppers on"
        f" {len(interactions.item_ids):,} products{_bad(bad_rows)}"
    )
    say(console, line, label=name, style="bold")


def say_kept(console: Console, kept: Kept) -> None:
    """What was trained, and what it is worth beside the baselines of its run."""
    record = kept.record
    epochs, seconds = len(record["epochs"]), record["seconds"]
    state = "is kept" if kept.refused else "is promoted"
    figures = {"model": record["validation"], **record["baselines"]}
    said = ", ".join(f"{name} {ranked['ndcg@10']:.4f}" for name, ranked in figures.items())
    line = f"{state}: {epochs} epochs, {seconds:.0f} s; validation NDCG@10: {said}"
    say(console, line, label=kept.name, style="bold")
    if kept.refused:
        say(console, kept.refused, label="but", style="yellow")


def _unchanged(catalogue: Sequence[Path]) -> str:
    verb = "is" if len(catalogue) == 1 else "are"
    return f"{' and '.join(map(str, catalogue))} {verb} unchanged"


def _bad(count: int) -> str:
    return f", {count:,} bad rows" if count else ""
