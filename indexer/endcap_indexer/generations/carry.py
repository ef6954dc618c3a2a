"""What was written to the live index while another one got ready to take its place.

Whoever writes goes on writing to the index that is live. So before the alias is swapped every
document that changed there is copied, and what was deleted there is deleted, until nothing is left;
and after the swap once more, for what was on its way to the old index at that moment. By then
others write to the new one, and what they have written counts. Of a deletion nothing is left there
that can be found, but the engine remembers its version for a minute (`index.gc_deletes`). So what
is not in the new index is copied as the version after our own last one, which a deletion has taken.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from opensearchpy import OpenSearch

from endcap_indexer.catalogue import OURS, CatalogueFields, derived_texts
from endcap_indexer.exceptions import GenerationError
from endcap_indexer.generations.bulks import stream_bulk
from endcap_indexer.generations.checkpoints import (
    Checkpoint,
    known_until,
    settled_positions,
)
from endcap_indexer.generations.chunks import chunks
from endcap_indexer.generations.documents import (
    GONE_OR_CHANGED,
    PAGE,
    Document,
    changed_documents,
    scan_ids,
)
from endcap_indexer.generations.generation import Generation
from endcap_indexer.generations.indices import PATIENCE_SECONDS
from endcap_indexer.generations.pursuit import is_embedded

ROUNDS = 10  # while others write, each is shorter than the one before
LAST_ROUNDS = 3  # after the swap
NOT_FOUND = 404
CONDITION = ("if_seq_no", "if_primary_term")
PAUSE_SECONDS = 0.05  # that a request may still be on its way after the swap
NOTHING: Mapping[str, int] = MappingProxyType({})

logger = logging.getLogger(__name__)


class Carry:
    """From an index to that of another generation.

    since: where the index was when the other one's truth began. known: the ids that it held then.
    generation: the other one, in its latest state, which gives the rows. returns: whether others
    have written to its index before. copied: ids of what was copied to it already. deleted: of what
    was deleted from it, with the versions of the deletions.
    """

    def __init__(
        self,
        client: OpenSearch,
        index: str,
        generation: Generation,
        since: Checkpoint,
        known: Iterable[str],
        *,
        returns: bool,
        copied: Iterable[str] = (),
        deleted: Mapping[str, int] = NOTHING,
    ) -> None:
        self.carried = 0
        self.generation, self.returns = generation, returns
        self.copied, self.deleted = set(copied), dict(deleted)
        self._client, self._index, self._reached = client, index, since
        self._known = {*known, *self.copied}
        self._own: dict[str, int] = {}  # what was written by this, by its last number
        self._fields = CatalogueFields.from_table(generation.manifest.catalogue)
        self._brought = not is_embedded(generation.manifest)

    @property
    def reached(self) -> Checkpoint:
        """Up to where the index is carried."""
        return self._reached

    def catch_up(self) -> None:
        """Until nothing is left, or what is left is what came during the last of many rounds."""
        for _ in range(ROUNDS):
            if not self._round():
                break
        self._refresh(self.generation.name)

    def take_out(self, seen: Iterable[str]) -> None:
        """What is gone of what somebody has seen in the index since. The other one's source may
        have held a product that came and went meanwhile, and nothing of it is left in the index.
        """
        self._known.update(seen)
        self._write(self._deletions(self._find_gone()))

    def finish(self, before: Checkpoint) -> None:
        """What had not arrived before the swap. before: where the new index was then; what has been
        written to it since is newer.
        """
        for number in range(LAST_ROUNDS):
            if number:
                time.sleep(PAUSE_SECONDS)
            if (now := self._news()) is not None:
                documents = [each for page in self._changed(now) for each in page]
                gone = self._find_gone(documents)
                self._write(self._guarded(documents, gone, before), forgiving=True)
                self._reached = now

    def _round(self) -> bool:
        """Whether there was anything to carry."""
        now = self._news()
        if now is None:
            return False
        for page in self._changed(now):
            self._write(self._copies(page))
            self._known.update(document.id for document in page)
        self._write(self._deletions(self._find_gone()))
        self._reached = now
        return True

    def _news(self) -> Checkpoint | None:
        """Where the index is now, its writes made searchable; None where nothing was written."""
        now = settled_positions(self._client, self._index)
        if now == self._reached:
            return None
        self._refresh(self._index)
        return now

    def _changed(self, now: Checkpoint) -> Iterator[list[Document]]:
        for shard, end in now.items():
            after = known_until(self._reached, shard, end)
            yield from changed_documents(self._client, self._index, shard, after, end.seq_no, None)

    def _find_gone(self, documents: Sequence[Document] = ()) -> list[str]:
        """The ids that were there and are no more. documents: more that were there."""
        self._known.update(document.id for document in documents)
        if self._client.count(index=self._index)["count"] >= len(self._known):
            return []
        gone = self._known - set(scan_ids(self._client, self._index))
        self._known -= gone
        return sorted(gone)

    def _copies(self, documents: Sequence[Document]) -> Iterator[dict[str, Any]]:
        """Documents as the new index has them: with the rows of its generation."""
        rows = self.generation.given_rows([document.id for document in documents]).tolist()
        for document, row in zip(documents, rows, strict=True):
            theirs = document.source.get(OURS)
            ours: dict[str, Any] = derived_texts(document.source, self._fields)
            if row >= 0:
                ours["row"] = row
            if self._brought and isinstance(theirs, dict) and "vector" in theirs:
                ours["vector"] = theirs["vector"]
            yield {"_id": document.id, "_source": {**document.source, OURS: ours}}

    def _deletions(self, ids: Iterable[str]) -> Iterator[dict[str, Any]]:
        for id in ids:
            yield {"_op_type": "delete", "_id": id}

    def _guarded(
        self, documents: Sequence[Document], gone: Sequence[str], before: Checkpoint
    ) -> Iterator[dict[str, Any]]:
        """Copies and deletions that give way to whoever wrote to the new index since the swap."""
        held = self._versions([*(document.id for document in documents), *gone])
        newer = self._written_since(before)
        built = self.generation.rows([document.id for document in documents]) >= 0
        for copy, was_built in zip(self._copies(documents), built.tolist(), strict=True):
            if copy["_id"] in newer:
                continue
            if copy["_id"] in held:
                yield {**copy, **held[copy["_id"]]}
            elif copy["_id"] in self.deleted or not (was_built or copy["_id"] in self.copied):
                yield {**copy, **self._unwritten(copy["_id"])}
        for deletion in self._deletions(id for id in gone if id in held and id not in newer):
            yield {**deletion, **held[deletion["_id"]]}

    def _unwritten(self, id: str) -> dict[str, Any]:
        """The condition that nobody has written a document since this did. Where others wrote
        before, their deletion may be remembered: there it is enough that it is not there.
        """
        if self.returns and id not in self.deleted:
            return {"_op_type": "create"}
        return {"version": self.deleted.get(id, 0) + 1, "version_type": "external"}

    def _versions(self, ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """By id the condition that a document of the new index is still as it is now."""
        found = {}
        for chunk in chunks(ids, PAGE):
            body = {"ids": chunk}
            answer = self._client.mget(index=self.generation.name, body=body, _source=False)
            for each in answer["docs"]:
                if each.get("found"):
                    version = each["_seq_no"], each["_primary_term"]
                    found[each["_id"]] = dict(zip(CONDITION, version, strict=True))
        return found

    def _written_since(self, before: Checkpoint) -> set[str]:
        """By others."""
        self._refresh(self.generation.name)
        now = settled_positions(self._client, self.generation.name)
        return {
            document.id
            for shard, end in now.items()
            for page in changed_documents(
                self._client,
                self.generation.name,
                shard,
                known_until(before, shard, end),
                end.seq_no,
                [],
            )
            for document in page
            if self._own.get(document.id) != document.seq_no
        }

    def _write(self, actions: Iterator[dict[str, Any]], *, forgiving: bool = False) -> None:
        """forgiving: nothing is raised once the alias is swapped; what is refused is told."""
        for good, item in stream_bulk(self._client, self.generation.name, actions):
            ((action, answer),) = item.items()
            self.carried += good
            if good:
                self._own[answer["_id"]] = answer["_seq_no"]
            if good or (action == "delete" and answer["status"] == NOT_FOUND):
                self._note(action, answer)
                continue
            if forgiving and answer["status"] in GONE_OR_CHANGED:
                continue
            error = answer.get("error", {})
            said = (
                f"the engine refused product {answer['_id']!r}, which was written while"
                f" {self.generation.name} was built: {error.get('type')}: {error.get('reason')}"
            )
            if not forgiving:
                raise GenerationError(f"{said}; correct it and run reindex again")
            logger.warning("%s", said)

    def _note(self, action: str, answer: Mapping[str, Any]) -> None:
        """What is there by this, and what is not."""
        if action == "delete":
            self.copied.discard(answer["_id"])
            self.deleted[answer["_id"]] = answer["_version"]
        else:
            self.copied.add(answer["_id"])
            self.deleted.pop(answer["_id"], None)

    def _refresh(self, index: str) -> None:
        self._client.indices.refresh(index=index, request_timeout=PATIENCE_SECONDS)
