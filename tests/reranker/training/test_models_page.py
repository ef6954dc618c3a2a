"""docs/models.md, held against the code."""

import re
from pathlib import Path

import numpy as np
import pytest

from endcap_reranker.models import ENCODERS, INTERACTIONS
from endcap_reranker.training import LOSSES

PAGE = (Path(__file__).parents[3] / "docs/models.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("choice", "table"),
    [("history encoder", ENCODERS), ("interaction", INTERACTIONS), ("loss", LOSSES)],
)
def test_the_page_names_every_choice(choice, table):
    (row,) = re.findall(rf"^\| {choice} \| (.*?) \|", PAGE, re.MULTILINE)
    assert set(re.findall(r"`([a-z-]+)`", row)) == set(table)


@pytest.mark.torch
def test_the_python_of_the_page_runs(ring):
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    names = {
        "interactions": ring,
        "text": np.random.default_rng(0).standard_normal((9, 384)).astype(np.float32),
        "ids": [id.decode() for id in ring.item_ids.tolist()],
        "clicked": [2, 1],
        "candidates": [3, 4, 5],
    }
    exec(compile(block, "docs/models.md", "exec"), names)
    assert np.isfinite(names["scores"]).all()
    assert names["scores"].shape == (3,)
