"""Judgments: which product is how good an answer to which query, as people said."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from endcap.exceptions import EvaluationError
from endcap_indexer.catalogue import Row, read_rows, stop_at_bad_row

PRODUCT = ("product", "product_id")
HIGHEST = 30  # grades above are surely something else, and 2^grade must stay a small number


@dataclass(frozen=True)
class Judgments:
    """Grades by query and product, 0 irrelevant; the split of each query, "" where none is said."""

    grades: Mapping[str, Mapping[str, int]]
    splits: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> Self:
        """A TSV file with the columns query, product (or product_id), grade and maybe split.

        EvaluationError names file, line and field.
        """
        grades: dict[str, dict[str, int]] = {}
        splits: dict[str, str] = {}
        for row in read_rows(path, on_bad_row=stop_at_bad_row):
            query, product, split = _text(row, ("query",)), _text(row, PRODUCT), _split(row)
            judged = grades.setdefault(query, {})
            if product in judged:
                raise _wrong(row, "product", f"{product!r} was graded for {query!r} before")
            judged[product] = _grade(row)
            if splits.setdefault(query, split) != split:
                raise _wrong(row, "split", f"{query!r} stands in another split too; keep one")
        return cls(grades, splits)

    @property
    def usable(self) -> "Judgments":
        """The queries with a relevant product: of the others no order is better than another."""
        return self.among([query for query, graded in self.grades.items() if any(graded.values())])

    def of_split(self, *names: str) -> "Judgments":
        return self.among([query for query, split in self.splits.items() if split in names])

    def among(self, queries: list[str]) -> "Judgments":
        """These queries, in this order."""
        return Judgments(
            {query: self.grades[query] for query in queries},
            {query: self.splits[query] for query in queries},
        )

    @property
    def queries(self) -> list[str]:
        return list(self.grades)

    def relevant(self, query: str) -> set[str]:
        return {product for product, grade in self.grades[query].items() if grade > 0}

    def __len__(self) -> int:
        return len(self.grades)


def _text(row: Row, names: tuple[str, ...]) -> str:
    value = next((row.values[name] for name in names if row.values.get(name) is not None), None)
    if value is None:
        raise _wrong(row, names[0], f"is missing; write a column {' or '.join(names)}")
    return str(value)


def _split(row: Row) -> str:
    return str(row.values.get("split") or "")


def _grade(row: Row) -> int:
    value: Any = row.values.get("grade")
    try:
        grade = float(value)
    except (TypeError, ValueError):
        grade = -1.0
    if not (grade.is_integer() and 0 <= grade <= HIGHEST):
        raise _wrong(row, "grade", f"{value!r} is no grade; write a whole number from 0")
    return int(grade)


def _wrong(row: Row, field: str, reason: str) -> EvaluationError:
    return EvaluationError(f"{row.file}:{row.line}: {field}: {reason}")
