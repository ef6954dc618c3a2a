import numpy as np
import pytest

from endcap_indexer.catalogue import Product
from endcap_indexer.files import MANIFEST
from endcap_indexer.generations import Generation, Manifest, embeddings
from endcap_indexer.generations.build import GenerationWriter
from endcap_indexer.generations.embeddings import Embeddings, ShopVectors, embeddings_folder


def products(*texts):
    return [Product(f"id of {text}", {}, text, None, {}) for text in texts]


def find(embedder, *texts):
    return embedder.find(products(*texts))[1]


def interrupt(store, encoder, *texts):
    """A build that dies after it has encoded these texts."""
    with pytest.raises(KeyboardInterrupt), Embeddings(store, encoder, None) as embedder:
        find(embedder, *texts)
        raise KeyboardInterrupt


def make_generation(store, encoder, *texts):
    manifest = Manifest("toys-000001", "", "", encoder.name, encoder.dimension, (), (), {})
    path = store / "generations" / "toys-000001"
    with GenerationWriter(path, manifest) as writer, Embeddings(store, encoder, None) as embedder:
        writer.append(products(*texts), *embedder.find(products(*texts)))
        writer.finish_rows()
        writer.commit(bad_rows=0)
    return Generation.open(path)


def test_vectors_are_the_encoders(store, encoder):
    with Embeddings(store, encoder, None) as embedder:
        found = find(embedder, "a", "b")
    np.testing.assert_array_equal(found, encoder.encode_queries(["a", "b"]).astype(np.float16))
    assert (embedder.embedded, embedder.reused) == (2, 0)


def test_twins_are_encoded_once(store, encoder):
    with Embeddings(store, encoder, None) as embedder:
        found = find(embedder, "b", "a", "b")
    np.testing.assert_array_equal(found, encoder.encode_queries(["b", "a", "b"]).astype(np.float16))
    assert sorted(encoder.encoded) == ["a", "b"]
    assert (embedder.embedded, embedder.reused) == (2, 1)


def test_an_empty_text_has_no_vector(store, encoder):
    with Embeddings(store, encoder, None) as embedder:
        found = find(embedder, "", "a")
    assert np.isnan(found[0]).all() and not np.isnan(found[1]).any()
    assert encoder.encoded == ["a"]


def test_only_changed_texts_are_encoded(store, encoder):
    live = make_generation(store, encoder, "a", "b", "c")
    encoder.encoded.clear()
    with Embeddings(store, encoder, live) as embedder:
        found = find(embedder, "c", "new", "a")
    np.testing.assert_array_equal(
        found, encoder.encode_queries(["c", "new", "a"]).astype(np.float16)
    )
    assert encoder.encoded == ["new"]
    assert (embedder.embedded, embedder.reused) == (1, 2)


def test_another_encoder_reuses_nothing(store, encoder):
    live = make_generation(store, encoder, "a")
    other = type(encoder)("toy-2")
    with Embeddings(store, other, live) as embedder:
        find(embedder, "a")
    assert other.encoded == ["a"]


def test_an_interrupted_build_is_resumed(store, encoder):
    interrupt(store, encoder, "a", "b")
    interrupt(store, encoder, "a", "c")
    encoder.encoded.clear()
    with Embeddings(store, encoder, None) as embedder:
        found = find(embedder, "a", "b", "c", "d")
    np.testing.assert_array_equal(found, encoder.encode_queries(list("abcd")).astype(np.float16))
    assert encoder.encoded == ["d"]


def test_encoding_is_saved_as_it_goes(store, encoder, monkeypatch):
    """Without an error to wait for: a killed process could not."""
    monkeypatch.setattr(embeddings, "SAVE_SECONDS", 0.0)
    with Embeddings(store, encoder, None) as embedder:
        find(embedder, "a")
        find(embedder, "b")
        encoder.encoded.clear()
        find(Embeddings(store, encoder, None), "a", "b")
    assert encoder.encoded == []


def test_a_damaged_chunk_is_encoded_again(store, encoder):
    interrupt(store, encoder, "a")
    interrupt(store, encoder, "b")
    folder = embeddings_folder(store, encoder.name)
    (folder / "000001" / "vectors.f16.npy").write_bytes(b"junk")
    encoder.encoded.clear()
    interrupt(store, encoder, "a", "b")
    assert encoder.encoded == ["a"]
    assert sorted(path.name for path in folder.iterdir()) == ["000002", "000003"]


def test_half_a_chunk_is_removed(store, encoder):
    interrupt(store, encoder, "a")
    folder = embeddings_folder(store, encoder.name)
    interrupt(store, encoder, "b")
    (folder / "000001" / MANIFEST).unlink()
    (folder / "000002").rename(folder / "000002.building")
    with Embeddings(store, encoder, None):
        assert list(folder.iterdir()) == []


def test_what_a_generation_holds_is_discarded(store, encoder):
    interrupt(store, encoder, "a")
    embedder = Embeddings(store, encoder, None)
    embedder.discard()
    embedder.discard()
    assert not embeddings_folder(store, encoder.name).exists()


def test_encoders_have_folders_of_their_own(store):
    assert embeddings_folder(store, "org/model v2-ab12").name == "embeddings-org-model-v2-ab12"


def test_the_shops_vectors_are_nobody_elses(store, encoder):
    """Their texts were not encoded, so an encoder of the same name must not find them by text."""
    brought = Product("p", {}, "a", np.eye(8, dtype=np.float32)[0], {})
    digests, vectors = ShopVectors().find([brought])
    assert vectors.tolist() == [[1, 0, 0, 0, 0, 0, 0, 0]]
    assert digests.tolist() == [b""]
