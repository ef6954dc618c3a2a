"""What a dry run tells is what the run does, and nothing changes; on both engines."""

import pytest

from endcap_indexer.generations import rehearse, reindex


@pytest.fixture
def look(either, store, built_index):
    """What a run might change: of the engine, and of the store but for the engine's own files."""

    def everything():
        files = {
            path: (path.stat().st_mtime_ns, path.stat().st_size)
            for path in store.rglob("*")
            if (store / "engine") not in (path, *path.parents)
        }
        found = either.indices.get(index=f"{built_index}*")
        return files, found, [either.count(index=name)["count"] for name in found]

    return everything


def test_it_tells_what_the_run_does(
    either, store, built_index, encoder, look, write_catalogue, monkeypatch, chunks_of_ten
):
    """What an interrupted run has embedded is known too."""

    def run(catalogue):
        return reindex(either, store, built_index, catalogue, encoder)

    patient = encoder.encode_products

    def encode(texts):
        if len(encoder.encoded) >= 29:
            raise KeyboardInterrupt
        return patient(texts)

    run(write_catalogue(9))
    catalogue = write_catalogue(60, "second")
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(encoder, "encode_products", encode)
        run(catalogue)
    before = look()
    told = rehearse(either, store, built_index, catalogue, encoder.name)
    assert look() == before
    assert (told.live, told.live_products) == (f"{built_index}-000001", 9)
    done = run(catalogue)
    assert (told.generation, told.products) == (done.generation, done.products)
    assert told.embedded == done.embedded == 40
    assert rehearse(either, store, built_index, catalogue, encoder.name).unchanged
    for other in ("toy-2", None):
        told = rehearse(either, store, built_index, catalogue, other)
        assert (told.unchanged, told.embedded) == (False, 60)
    third, there = write_catalogue(60, "third"), set(look()[1])
    told = rehearse(either, store, built_index, third, encoder.name)
    run(third)
    assert set(told.removed) == there - set(look()[1]) == {f"{built_index}-000001"}
