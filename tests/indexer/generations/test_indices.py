"""What the engine is told of a generation's index and its alias, on both engines."""

from dataclasses import replace

import pytest
from built_shop import row

from endcap_indexer.exceptions import GenerationError
from endcap_indexer.generations.indices import swap_alias


def test_an_alias_that_was_moved_meanwhile_is_left_as_it_is(either, built_index):
    one, two, three = (f"{built_index}-{number}" for number in range(3))
    for name in (one, two, three):
        either.indices.create(index=name)
    either.indices.put_alias(index=two, name=built_index)
    with pytest.raises(GenerationError, match=rf"{one} is no longer what '{built_index}' names, "):
        swap_alias(either, built_index, one, three)
    assert list(either.indices.get_alias(name=built_index)) == [two]
    swap_alias(either, built_index, two, three)
    aliases = either.indices.get_alias(name=built_index)
    assert aliases == {three: {"aliases": {built_index: {"is_write_index": True}}}}


def test_a_swap_whose_answer_was_lost_is_done(either, built_index, monkeypatch):
    """The transport asks again where a load balancer answers 502, or a connection breaks."""
    one, two = (f"{built_index}-{number}" for number in range(2))
    for name in (one, two):
        either.indices.create(index=name)
    either.indices.put_alias(index=one, name=built_index)
    once = either.indices.update_aliases

    def twice(**options):
        once(**options)
        return once(**options)

    monkeypatch.setattr(either.indices, "update_aliases", twice)
    swap_alias(either, built_index, one, two)
    assert list(either.indices.get_alias(name=built_index)) == [two]


def test_a_generation_loads_without_replicas_and_refreshes(built):
    """They are what they shall be before it is searched."""
    told = []

    class Watcher:
        def advance(self, stage, done, total):
            (facts,) = built.client.indices.get_settings(index=f"{built.index}-*").values()
            settings = facts["settings"]["index"]
            told.append((stage, settings["number_of_replicas"], settings["refresh_interval"]))

    built.settings = replace(built.settings, replicas=1)
    built.build([row(number) for number in range(3)], progress=Watcher())
    assert told == [
        ("products", "0", "-1"),
        ("indexes", "0", "-1"),
        ("indexes", "1", "1s"),
        ("indexes", "1", "1s"),
    ]
