import pytest

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
