"""Texts to stored vectors, each text encoded once: not again in the next generation, nor after
an interruption."""

import re
import time
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from endcap_indexer.catalogue import Product
from endcap_indexer.encoder import Encoder
from endcap_indexer.exceptions import GenerationError
from endcap_indexer.files import BUILDING, FolderWriter, open_folder, remove_folder
from endcap_indexer.generations.generation import DIGESTS, VECTORS, Embedded, Generation

KIND = "embeddings"
FORMAT = 1
SAVE_SECONDS = 5.0  # of encoding that an interruption may cost

Digests = NDArray[np.bytes_]
Halves = NDArray[np.float16]


def digest_texts(texts: Sequence[str]) -> Digests:
    """(n,) 16 bytes each: what a vector is known by."""
    return np.array([blake2b(text.encode(), digest_size=16).digest() for text in texts], "S16")


class KnownVectors:
    """Vectors by the digest of their text, in one sorted list over several sources."""

    def __init__(self, sources: Sequence[Embedded]) -> None:
        self._vectors = [source.vectors for source in sources]
        lengths = [len(source.digests) for source in sources]
        digests = np.concatenate([np.empty(0, "S16"), *(source.digests for source in sources)])
        order = np.argsort(digests, kind="stable")
        self._digests = digests[order]
        self._source = np.repeat(np.arange(len(sources)), lengths)[order]
        self._row = np.concatenate([np.empty(0, np.int64), *map(np.arange, lengths)])[order]

    def fill(self, digests: Digests, vectors: Halves) -> NDArray[np.bool_]:
        """Put known vectors in their rows of (n, d) `vectors`; which rows those are."""
        if not len(self._digests):
            return np.zeros(len(digests), np.bool_)
        places = np.searchsorted(self._digests, digests)
        places = np.minimum(places, len(self._digests) - 1)
        known = self._digests[places] == digests
        sources, rows = self._source[places], self._row[places]
        for source in np.unique(sources[known]):
            wanted = known & (sources == source)
            vectors[wanted] = self._vectors[source][rows[wanted]]
        return np.asarray(known)


class ShopVectors:
    """Vectors that the shop brings itself, in its catalogue."""

    embedded = reused = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None: ...

    def find(self, products: Sequence[Product]) -> tuple[Digests, Halves]:
        """Empty digests, lest an encoder take them for its own, and (n, dimension) unit rows."""
        vectors = np.array([product.vector for product in products], np.float16)
        return np.zeros(len(products), "S16"), vectors

    def discard(self) -> None: ...


class HeldVectors:
    """The shop's own vectors where documents bring those that are new: others are as they were."""

    def __init__(self, generation: Generation) -> None:
        self._generation = generation

    def find(self, products: Sequence[Product]) -> tuple[Digests, Halves]:
        """Empty digests and (n, dimension) unit rows; nan where nobody has said one."""
        vectors = np.full((len(products), self._generation.manifest.dimension), np.nan, np.float16)
        rows = self._generation.rows([product.id for product in products])
        vectors[:, : self._generation.dimension] = self._generation.index.vectors(rows)
        for place, product in enumerate(products):
            if product.vector is not None:
                vectors[place] = product.vector
        return np.zeros(len(products), "S16"), vectors


class Embeddings:
    """Encodes what neither the live generation nor an interrupted build knows.

    store: None where nobody shall resume. elsewhere: more vectors of this encoder. Fresh ones are
    saved every few seconds of encoding, and when the block ends with an error; `discard` removes
    them once a generation holds them.
    """

    def __init__(
        self,
        store: Path | None,
        encoder: Encoder,
        live: Generation | None,
        elsewhere: Sequence[Embedded] = (),
    ) -> None:
        self.embedded = self.reused = 0
        self._encoder = encoder
        self._folder = None if store is None else embeddings_folder(store, encoder.name)
        self._chunks = 0
        self._fresh: list[Embedded] = []
        self._seconds = 0.0
        sources = self._open_chunks()
        if live is not None and live.manifest.encoder == encoder.name:
            sources += live.embedded
        sources += elsewhere
        self._known = KnownVectors(sources)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is not None:
            self._save()

    def find(self, products: Sequence[Product]) -> tuple[Digests, Halves]:
        """Text digests and (n, dimension) unit rows; nan for an empty text, which says nothing."""
        texts = [product.text for product in products]
        digests = digest_texts(texts)
        vectors = np.full((len(texts), self._encoder.dimension), np.nan, np.float16)
        known = self._known.fill(digests, vectors)
        empty = np.array([not text for text in texts], np.bool_)
        missing = np.flatnonzero(~known & ~empty)
        self.reused += int((known & ~empty).sum())
        if len(missing):
            vectors[missing] = self._encode([texts[place] for place in missing], digests[missing])
        return digests, vectors

    def discard(self) -> None:
        if self._folder is not None and self._folder.is_dir():
            for chunk in self._folder.iterdir():
                remove_folder(chunk)
            self._folder.rmdir()

    def _encode(self, texts: Sequence[str], digests: Digests) -> Halves:
        started = time.monotonic()
        first, inverse = np.unique(digests, return_index=True, return_inverse=True)[1:]
        unique = self._encoder.encode_products([texts[place] for place in first.tolist()])
        vectors = unique.astype(np.float16)
        vectors[~np.any(vectors, axis=1)] = np.nan
        self.embedded += len(first)
        self.reused += len(texts) - len(first)
        self._fresh.append(Embedded(digests[first], vectors))
        self._seconds += time.monotonic() - started
        if self._seconds >= SAVE_SECONDS:
            self._save()
        return vectors[inverse]

    def _save(self) -> None:
        if self._folder is None or not self._fresh:
            return
        fresh, self._fresh, self._seconds = self._fresh, [], 0.0
        self._chunks += 1
        with FolderWriter(self._folder / f"{self._chunks:06}", KIND, format=FORMAT) as folder:
            folder.save(DIGESTS, np.concatenate([source.digests for source in fresh]))
            folder.save(VECTORS, np.concatenate([source.vectors for source in fresh]))
            folder.commit({"encoder": self._encoder.name})

    def _open_chunks(self) -> list[Embedded]:
        """The chunks of an interrupted build; a damaged one is removed and encoded again."""
        sources: list[Embedded] = []
        if self._folder is None:
            return sources
        for leftover in self._folder.glob(f"*{BUILDING}"):
            remove_folder(leftover)
        for path in sorted(self._folder.glob("*")):
            try:
                folder = open_folder(path, KIND, format=FORMAT)
            except GenerationError:
                remove_folder(path)
                continue
            if folder.manifest["encoder"] == self._encoder.name:
                sources.append(Embedded(folder.array(DIGESTS), folder.array(VECTORS)))
            self._chunks = max(self._chunks, int(path.name))
        return sources


def known_digests(store: Path, live: Generation | None, encoder: str | None) -> Digests:
    """Digests of the texts that an encoder need not embed again: those of the live generation, if
    it is of that encoder, and those of an interrupted build. Nothing is changed.
    """
    known = [np.empty(0, "S16")]
    if encoder is None:
        return known[0]
    if live is not None and live.manifest.encoder == encoder:
        known.append(live.digests(live.present_rows()))
    for path in embeddings_folder(store, encoder).glob("*"):
        try:
            folder = open_folder(path, KIND, format=FORMAT)
        except GenerationError:
            continue
        if folder.manifest["encoder"] == encoder:
            known.append(folder.array(DIGESTS))
    return np.unique(np.concatenate(known))


def embeddings_folder(store: Path, encoder: str) -> Path:
    return store / "generations" / f"embeddings-{re.sub(r'[^0-9A-Za-z._-]', '-', encoder)}"
