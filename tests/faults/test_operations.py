"""A fault at every write, rename, fsync and removal of each command that changes a store.

Afterwards the old state is there or the new one, whole, searches are answered, and the same command
goes on and ends well.
"""

import random
import time
from collections.abc import Iterator
from itertools import cycle

import pytest
from edition_shop import EMBEDDED, ENGINES
from forked_commands import DIED, MODES
from shares import FULL
from store_commands import Build, Compact, Demote, GoBack, Promote, Train, Tune, Update

SAMPLE = 3  # operations of a command, each in another mode
SEED = 11
ENDS = {"no space": (0, 1), "dead": (0, 1), "died": (0, DIED)}  # not every run has as many
COMMANDS = {
    "build": Build,
    "update": Update,
    "compaction": Compact,
    "rollback": GoBack,
    "train": Train,
    "promote": Promote,
    "rollback of an artefact": Demote,
    "tune": Tune,
}


def faults(operations: int, every_mode: bool) -> Iterator[tuple[int, str]]:
    """Which operation fails, from 1, and how: all of them, in every mode or in one mode after the
    other; or a sample.
    """
    if FULL and every_mode:
        yield from ((place, mode) for place in range(1, operations + 1) for mode in MODES)
        return
    if FULL:
        yield from zip(range(1, operations + 1), cycle(MODES))
        return
    places = random.Random(SEED).sample(range(1, operations + 1), SAMPLE)
    yield from zip(places, MODES, strict=True)


IN_THE_STORE = {"train", "promote", "rollback of an artefact", "tune"}  # whatever the engine
CASES = [
    (engine, name)
    for engine in ENGINES
    for name in COMMANDS
    if engine == EMBEDDED or name not in IN_THE_STORE
]


@pytest.mark.parametrize(("engine", "name"), CASES, indirect=["engine"])
def test_a_fault_at_each_operation(shop, client, commands, tell, name):
    started = time.monotonic()
    shop.write(0)
    assert commands.run(shop.reindex()).code == 0
    command = COMMANDS[name](shop, client)
    for _ in range(2):  # the first run may have more to do
        command.prepare()
        whole = commands.run(command.arguments())
        assert whole.code == 0, whole.said
    assert whole.operations >= command.least
    before = command.state()
    failed = 0
    for place, mode in faults(whole.operations, command.every_mode):
        command.prepare()
        before = command.state()
        ended = commands.run(command.arguments(), fail_at=place, mode=mode)
        assert ended.code in ENDS[mode], (place, mode, ended.said)
        failed += ended.code != 0
        seen = command.state()
        assert shop.search(client).extension["applied"]
        if not (command.once and seen != before):
            ended = commands.run(command.arguments())
            assert ended.code == 0, (place, mode, ended.said)
        after = command.state()
        assert after != before
        assert seen in (before, after), (place, mode)
    assert failed
    tell(
        f"{failed} times {name} failed at one of its {whole.operations} operations on {shop.place},"
        f" seed {SEED}; {time.monotonic() - started:.0f} s"
    )
