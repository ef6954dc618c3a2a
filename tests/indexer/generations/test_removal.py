import pytest

from endcap_indexer.files import FolderWriter
from endcap_indexer.generations.removal import (
    list_folders,
    next_number,
    remove_leftovers,
    remove_old,
)


@pytest.fixture
def add(client, store):
    """Add an index of ours, a finished folder, or both, of this name."""

    def make(name, *, index=True, folder=True, alias=None, ours=True):
        if index:
            meta = {"endcap": {"generation": name}} if ours else {}
            aliases = {alias: {}} if alias else {}
            body = {"mappings": {"_meta": meta}, "aliases": aliases}
            client.indices.create(index=name, body=body)
        if folder:
            with FolderWriter(store / "generations" / name, "generation", format=1) as writer:
                writer.commit({})

    return make


def state(client, store):
    names = [path.name for path in list_folders(store, "toys")]
    return sorted(client.indices.get(index="*")), names


def test_numbers_go_on_after_the_highest_of_either_side(client, store, add):
    assert next_number(client, store, "toys") == 1
    add("toys-000003", index=False)
    assert next_number(client, store, "toys") == 4
    add("toys-000007", folder=False, ours=False)
    add("other-000099")
    assert next_number(client, store, "toys") == 8


def test_an_index_without_a_finished_folder_is_a_leftover(client, store, add):
    add("toys-000001", alias="toys")
    add("toys-000002", folder=False)
    remove_leftovers(client, store, "toys")
    assert state(client, store) == (["toys-000001"], ["toys-000001"])


def test_what_an_alias_names_is_no_leftover(client, store, add):
    """Not even where its folder is lost: shoppers search it."""
    add("toys-000001", folder=False, alias="toys")
    remove_leftovers(client, store, "toys")
    assert state(client, store) == (["toys-000001"], [])


def test_an_index_that_is_not_ours_is_no_leftover(client, store, add):
    add("toys-000001", folder=False, ours=False)
    add("other-000001", folder=False)
    remove_leftovers(client, store, "toys")
    assert state(client, store) == (["other-000001", "toys-000001"], [])


def test_a_finished_build_that_was_never_live_is_kept_until_the_next(client, store, add):
    add("toys-000001", alias="toys")
    add("toys-000002")
    remove_leftovers(client, store, "toys")
    assert state(client, store)[1] == ["toys-000001", "toys-000002"]
    add("toys-000003")
    remove_old(client, store, "toys", keep=("toys-000001", "toys-000003"))
    assert state(client, store) == (["toys-000001", "toys-000003"],) * 2


def test_a_removal_that_stopped_half_way_goes_on(client, store, add):
    """The index goes first, so a folder may be left without one."""
    add("toys-000001", index=False)
    add("toys-000002", alias="toys")
    remove_old(client, store, "toys", keep=(None, "toys-000002"))
    assert state(client, store) == (["toys-000002"], ["toys-000002"])
