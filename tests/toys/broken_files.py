"""Catalogues and events as nobody should write them: odd values, broken bytes, other encodings."""

import csv
import io
import json
import random
from collections.abc import Callable
from typing import Any

SUFFIXES = (".jsonl", ".csv", ".tsv", ".json", ".ndjson")
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 7, 2**53, 2**63, -(2**70), 1e308, -0.0, float("nan"), float("inf"), "", " ",
    "NaN", "1e999", "9" * 400, "-3", "12,50", "ß\u0000\u202e", "\ud800", "<b>red</b> &amp; &#x0;",
    "\u2028", "2026-13-45T99:00:00Z", [], {}, [None], [[[]]], {"x": {"y": [1]}}, ["a", 3],
    "x" * 70_000,
)  # fmt: skip
ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252")
DEEP = 3000  # levels


class BrokenFiles:
    """The same ones for a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def file(self, row: Callable[[int], dict[str, Any]]) -> tuple[str, bytes]:
        """A suffix and a content, made of rows by their number."""
        rows = [self._odd(row(number)) for number in range(self.random.randint(0, 12))]
        suffix = self.random.choice(SUFFIXES)
        text = self._json(rows) if "j" in suffix else self._cells(rows, suffix)
        content = text.encode(self.random.choice(ENCODINGS), "replace")
        return suffix, self.damaged(content) if self.random.random() < 0.6 else content

    def damaged(self, content: bytes) -> bytes:
        for _ in range(self.random.choice((1, 2, 5))):
            content = self._broken(content)
        return content

    def _odd(self, row: dict[str, Any]) -> dict[str, Any]:
        for name in list(row):
            chance = self.random.random()
            if chance < 0.12:
                row[name] = self.random.choice(ODD)
            elif chance < 0.15:
                del row[name]
        return row

    def _json(self, rows: list[dict[str, Any]]) -> str:
        lines = [json.dumps(row, ensure_ascii=self.random.random() < 0.5) for row in rows]
        if self.random.random() < 0.05:
            lines.append('{"id": ' + "[" * DEEP + "]" * DEEP + "}")
        if self.random.random() < 0.1:
            lines += ["", "[]", "null", "3", '{"id": "x"', "{}"]
        text = self.random.choice(("\n", "\n", "\r\n")).join(lines)
        return text.encode("utf-8", "replace").decode() + "\n" * self.random.randint(0, 2)

    def _cells(self, rows: list[dict[str, Any]], suffix: str) -> str:
        names = list(dict.fromkeys(name for row in rows for name in row)) or ["id"]
        written = io.StringIO()
        table = csv.writer(
            written, delimiter="," if suffix == ".csv" else "\t", quoting=csv.QUOTE_MINIMAL
        )
        table.writerow(names)
        for row in rows:
            cells = [self._cell(row.get(name, "")) for name in names]
            table.writerow(cells[: self.random.choice((len(cells), len(cells), 2))])
        return written.getvalue()

    def _cell(self, value: Any) -> str:
        text = value if isinstance(value, str) else json.dumps(value)
        return text.encode("utf-8", "replace").decode()

    def _broken(self, content: bytes) -> bytes:
        if not content:
            return b"\x00"
        place = self.random.randrange(len(content))
        byte = bytes([self.random.choice((0, 10, 13, 34, 44, 92, 123, 128, 255))])
        return self.random.choice(
            (
                content[:place] + byte + content[place + 1 :],
                content[:place] + byte + content[place:],
                content[:place],
                content[place:],
                content[:place] + content[place + 1 :],
            )
        )
