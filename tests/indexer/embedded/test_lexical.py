"""The searchable index over its life: refreshes, crashes, other processes, rebuilds."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from endcap_indexer.embedded import lexical
from endcap_indexer.embedded.columns import FILLER, PADDING
from endcap_indexer.embedded.documents import Change, Documents, StoredDocument
from endcap_indexer.embedded.lexical import STATE, LexicalIndex
from endcap_indexer.embedded.mappings import Mapping
from endcap_indexer.embedded.search import search


class Log:
    """The documents of one index in memory, as far as the searchable index reads them."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.body: dict[str, Any] = {"properties": fields}
        self.copies: list[Change] = []
        self.seen = -1

    def write(self, id: str, source: dict[str, Any] | None) -> None:
        before = [one.seq_no for one in self.copies if one.id == id and one.source is not None]
        if source is not None:
            self.body = Mapping.from_json(self.body).extend(source).to_json()
        replaces = before[-1] if before else None
        self.copies.append(Change(len(self.copies), id, source, replaces))

    def changes(self, index: str, after: int, limit: int) -> list[Change]:
        return self.copies[after + 1 :][:limit]

    def fetch(self, index: str, seq_nos: Sequence[int]) -> dict[int, StoredDocument]:
        found = [self.copies[number] for number in seq_nos]
        return {
            one.seq_no: StoredDocument(one.id, one.seq_no, 1, 1, one.source or {}) for one in found
        }

    def last_seq_no(self, index: str) -> int:
        return len(self.copies) - 1

    def mapping(self, index: str) -> dict[str, Any]:
        return self.body

    def refreshed(self, index: str) -> int:
        return self.seen

    def set_refreshed(self, index: str, seq_no: int) -> None:
        self.seen = seq_no


@pytest.fixture
def log() -> Log:
    return Log({"title": {"type": "text"}, "n": {"type": "long"}})


def opened(folder: Path, log: Log) -> LexicalIndex:
    return LexicalIndex(folder, "products", cast(Documents, log))


def find(index: LexicalIndex, **query: Any) -> list[str]:
    found = search(index, {"query": query or {"match_all": {}}, "size": 1000}, {})["hits"]
    assert found["total"]["value"] == len(found["hits"])
    return [hit["_id"] for hit in found["hits"]]


def titles(log: Log, *words: str) -> None:
    for word in words:
        log.write(word, {"title": word, "n": len(log.copies)})


def test_only_a_refresh_shows_writes(tmp_path: Path, log: Log) -> None:
    index = opened(tmp_path, log)
    titles(log, "red")
    assert find(index) == []
    index.refresh()
    assert find(index) == ["red"]
    titles(log, "blue", "red")
    assert find(index, match={"title": "red"}) == ["red"]
    index.refresh()
    assert find(index) == ["blue", "red"]
    log.write("blue", None)
    index.refresh()
    assert find(index) == ["red"]
    assert log.seen == 3


def test_another_process_follows(tmp_path: Path, log: Log) -> None:
    writer, reader = opened(tmp_path, log), opened(tmp_path, log)
    for turn, word in enumerate(["red", "blue", "green"]):
        titles(log, word)
        writer.refresh()
        assert len(find(reader)) == turn + 1
    log.write("new", {"other": "field"})  # the mapping grows: a new folder
    writer.refresh()
    assert find(reader, match={"other": "field"}) == ["new"]
    assert len(find(reader)) == 4


@pytest.mark.parametrize("before", [[], ["red"]])
def test_a_crash_between_commit_and_state(
    tmp_path: Path, log: Log, before: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    index = opened(tmp_path, log)
    titles(log, *before)
    index.refresh()
    titles(log, "red", "blue")
    with monkeypatch.context() as patch:
        patch.setattr(LexicalIndex, "_write_state", lambda self, state: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            index.refresh()
    assert log.seen == len(before) - 1
    again = opened(tmp_path, log)
    assert set(find(again)) >= set(before)
    again.refresh()
    assert find(again) == ["red", "blue"]
    assert find(again, match={"title": "red"}) == ["red"]


@pytest.mark.parametrize("damage", ["state", "folder", "file"])
def test_what_is_lost_is_built_anew(tmp_path: Path, log: Log, damage: str) -> None:
    titles(log, "red", "blue")
    opened(tmp_path, log).refresh()
    titles(log, "green")
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    if damage == "state":
        (tmp_path / STATE).unlink()
    elif damage == "folder":
        shutil.rmtree(folder)
    else:
        (folder / "meta.json").write_text("{")
    assert find(opened(tmp_path, log)) == ["red", "blue"]


def test_a_rebuild_leaves_one_folder(tmp_path: Path, log: Log) -> None:
    index = opened(tmp_path, log)
    for turn in range(4):
        log.write(str(turn), {f"field_{turn}": "word"})
        index.refresh()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["000004"]
    assert find(index) == ["0", "1", "2", "3"]
    assert json.loads((tmp_path / STATE).read_bytes())["seq_no"] == 3


def test_deleted_documents_are_swept(tmp_path: Path, log: Log) -> None:
    index = opened(tmp_path, log)
    titles(log, *(f"word{number}" for number in range(20)))
    index.refresh()
    for _ in range(3):
        titles(log, *(f"word{number}" for number in range(20)))
        index.refresh()
        assert len(find(index)) == 20
        assert index.snapshot().deleted_share() <= 0.5
    assert find(index)[0] == "word0"


@pytest.mark.parametrize("batch", [1, 3, 1000])
def test_scores_do_not_depend_on_how_it_was_written(
    tmp_path: Path, log: Log, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lexical, "BATCH", batch)
    texts = ["red shoe", "red red hat", "blue", "a long blue shoe title", "red", "hat hat"]
    whole = Log(log.body["properties"])
    index, at_once = opened(tmp_path / "a", log), opened(tmp_path / "b", whole)
    for number, text in enumerate(texts):
        log.write(str(number), {"title": text})
        index.refresh()
        whole.write(str(number), {"title": text})
    at_once.refresh()
    body = {"query": {"match": {"title": "red shoe hat"}}}
    one, other = (search(each, body, {})["hits"]["hits"] for each in (index, at_once))
    assert [hit["_id"] for hit in one] == [hit["_id"] for hit in other]
    assert [hit["_score"] for hit in one] == pytest.approx([h["_score"] for h in other], rel=3e-6)


def test_nobody_sees_the_ballast(tmp_path: Path, log: Log) -> None:
    index = opened(tmp_path, log)
    titles(log, "red", "blue")
    log.write("empty", {})
    index.refresh()
    snapshot = index.snapshot()
    assert snapshot.searcher.num_docs > 3
    assert snapshot.size == 3
    for query, found in (
        ({"bool": {"must_not": [{"match": {"title": "red"}}]}}, ["blue", "empty"]),
        ({"bool": {"must_not": [{"exists": {"field": "n"}}]}}, ["empty"]),
        ({"range": {"n": {"gte": -10}}}, ["red", "blue"]),
        ({"exists": {"field": "title"}}, ["red", "blue"]),
        ({"match": {"title": f"{PADDING} {FILLER}"}}, []),
        ({"term": {"title": PADDING}}, []),
        ({"terms": {"title": [PADDING, "red"]}}, ["red"]),
    ):
        assert find(index, **query) == found
    aggregations = {"n": {"terms": {"field": "n"}}, "gone": {"missing": {"field": "n"}}}
    answer = search(index, {"aggs": aggregations, "size": 0}, {})["aggregations"]
    assert [one["doc_count"] for one in answer["n"]["buckets"]] == [1, 1]
    assert answer["gone"]["doc_count"] == 1
