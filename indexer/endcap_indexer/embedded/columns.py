"""A mapping as a tantivy schema, and a document as a tantivy document.

Columns are numbered, so a field may have any name. A text field is analysed here and goes into a
whitespace-tokenised column; its length in tokens goes into an integer column beside it.
"""

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from typing import NamedTuple

import tantivy

from .analysis import HOLE, analyze
from .fields import Field
from .mappings import Mapping
from .values import FLOAT_CODES, Value

ID = "id"
SEQ_NO = "seq_no"
MARKS = "marks"  # what a document has, as terms: doc_freq counts deleted documents as tantivy does
DOCUMENT = "document"  # the mark of every document but the ballast
BALLAST = "ballast"
FILLER = "\x02"  # stands in a hole; dropped by the tokenizer, so it takes a position and no length
PADDING = "\x01"  # the ballast's only token; neither can be made by a query
POSITION_GAP = 100  # between the values of one field: a phrase does not span them
TOKENIZER = "positions"


class Column(NamedTuple):
    """Where a field's values lie; ``length`` and ``tokens`` only for text."""

    name: str
    field: Field

    @property
    def length(self) -> str:
        """The integer column with the number of tokens, and the mark of a document that has any."""
        return f"{self.name}_length"


def columns_of(mapping: Mapping) -> dict[str, Column]:
    """The columns by field name, numbered in the order of the names."""
    return {
        name: Column(f"field_{number}", mapping.fields[name])
        for number, name in enumerate(sorted(mapping.fields))
    }


def build_schema(columns: Dict[str, Column]) -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field(ID, tokenizer_name="raw", index_option="basic")
    builder.add_text_field(MARKS, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field(SEQ_NO, indexed=True, fast=True)
    for column in columns.values():
        if column.field.type == "text":
            builder.add_text_field(column.name, tokenizer_name=TOKENIZER, index_option="position")
            builder.add_integer_field(column.length, fast=True)
        elif column.field.type == "keyword":
            builder.add_text_field(
                column.name, tokenizer_name="raw", index_option="basic", fast=True
            )
        elif column.field.type in FLOAT_CODES:
            builder.add_float_field(column.name, indexed=True, fast=True)
        else:
            builder.add_integer_field(column.name, indexed=True, fast=True)
    return builder.build()


def register_tokenizer(index: tantivy.Index) -> None:
    """Tokens are separated by spaces; fillers are dropped and leave their position empty."""
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    analyzer = builder.filter(tantivy.Filter.custom_stopword([FILLER])).build()
    index.register_tokenizer(TOKENIZER, analyzer)


def build_document(
    columns: Dict[str, Column], seq_no: int, id: str, values: Dict[str, list[Value]]
) -> tantivy.Document:
    document = tantivy.Document()
    document.add_text(ID, id)
    document.add_integer(SEQ_NO, seq_no)
    document.add_text(MARKS, DOCUMENT)
    for name, items in values.items():
        column = columns[name]
        document.add_text(MARKS, column.name)
        if column.field.type == "text":
            _add_text(document, column, items)
        else:
            _add_values(document, column, items)
    return document


def _add_text(document: tantivy.Document, column: Column, items: Sequence[Value]) -> None:
    if not column.field.index:
        return
    terms: list[str] = []
    for item in items:
        if terms:
            terms.extend([HOLE] * POSITION_GAP)
        terms.extend(analyze(column.field.analyzer, str(item)))
    length = len(terms) - terms.count(HOLE)
    document.add_integer(column.length, length)
    if length:
        document.add_text(MARKS, column.length)
        document.add_text(column.name, " ".join([term or FILLER for term in terms]))


def _add_values(document: tantivy.Document, column: Column, items: Sequence[Value]) -> None:
    for item in dict.fromkeys(items) if column.field.type == "keyword" else items:
        if isinstance(item, str):
            document.add_text(column.name, item)
        elif isinstance(item, float):
            document.add_float(column.name, item)
        else:
            document.add_integer(column.name, int(item))
