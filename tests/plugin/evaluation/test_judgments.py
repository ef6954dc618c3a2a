"""A file of judgments: what is read, and what is said of a line that cannot be."""

import gzip

import pytest

from endcap.evaluation import Judgments
from endcap.exceptions import EvaluationError
from endcap_indexer.exceptions import CatalogueError


def write(tmp_path, text, name="judgments.tsv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_grades_and_splits_are_read(tmp_path):
    text = (
        'split\tquery\tproduct_id\tgrade\ndev\t17" tv\t1\t3\ndev\t17" tv\t2\t0\ntest\tlamp\t2\t1\n'
    )
    judgments = Judgments.read(write(tmp_path, text))
    assert judgments.grades == {'17" tv': {"1": 3, "2": 0}, "lamp": {"2": 1}}
    assert judgments.splits == {'17" tv': "dev", "lamp": "test"}


def test_the_split_may_be_missing_and_the_file_gzipped(tmp_path):
    path = tmp_path / "judgments.tsv.gz"
    path.write_bytes(gzip.compress(b"query\tproduct\tgrade\nlamp\t2\t1\n"))
    judgments = Judgments.read(path)
    assert (judgments.grades, judgments.splits) == ({"lamp": {"2": 1}}, {"lamp": ""})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "lamp\t2\tgood",
            "judgments.tsv:3: grade: 'good' is no grade; write a whole number from 0",
        ),
        ("lamp\t2\t-1", "judgments.tsv:3: grade: '-1' is no grade"),
        ("lamp\t2\t1.5", "judgments.tsv:3: grade: '1.5' is no grade"),
        ("lamp\t2\t", "judgments.tsv:3: grade: None is no grade"),
        ("lamp\t\t1", "judgments.tsv:3: product: is missing"),
        ("\t2\t1", "judgments.tsv:3: query: is missing"),
        ("lamp\t1\t2", "judgments.tsv:3: product: '1' was graded for 'lamp' before"),
    ],
)
def test_a_wrong_line_names_file_line_and_field(tmp_path, line, said):
    path = write(tmp_path, f"query\tproduct\tgrade\nlamp\t1\t1\n{line}\n")
    with pytest.raises(EvaluationError, match="(?s).*") as raised:
        Judgments.read(path)
    assert said in str(raised.value)


def test_a_query_stands_in_one_split(tmp_path):
    text = "split\tquery\tproduct\tgrade\ndev\tlamp\t1\t1\ntest\tlamp\t2\t1\n"
    with pytest.raises(EvaluationError, match=r":3: split: 'lamp' stands in another split"):
        Judgments.read(write(tmp_path, text))


def test_a_line_with_too_few_cells_is_no_judgment(tmp_path):
    with pytest.raises(CatalogueError, match=r"judgments.tsv:2: has 2 cells"):
        Judgments.read(write(tmp_path, "query\tproduct\tgrade\nlamp\t1\n"))


def test_whole_numbers_may_be_written_as_decimals(tmp_path):
    judgments = Judgments.read(write(tmp_path, "query\tproduct\tgrade\nlamp\t1\t2.0\n"))
    assert judgments.grades["lamp"]["1"] == 2


def test_queries_without_a_relevant_product_are_not_usable(judge):
    judgments = judge({"lamp": {"1": 0, "2": 0}, "sofa": {"1": 0, "2": 2}})
    assert judgments.usable.queries == ["sofa"]
    assert judgments.usable.relevant("sofa") == {"2"}


def test_a_split_has_its_own_queries(judge):
    judgments = judge({"a": {"1": 1}, "b": {"1": 1}}, {"a": "dev", "b": "test"})
    assert judgments.of_split("test").queries == ["b"]
    assert judgments.of_split("dev", "test").queries == ["a", "b"]
