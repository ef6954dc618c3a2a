import pytest

from endcap.registry import TUNING, Registry
from endcap.tuning import Tuning

CREATED = "2026-11-23T09:00:00+00:00"


def facts(model, **baselines):
    metrics = {"metric": "NDCG@10", "model": model, "baselines": baselines}
    return {"created": CREATED, "interactions": 1234, "encoder": "gru", "metrics": metrics}


@pytest.fixture
def registry(store):
    return Registry(store, "products")


def test_artefacts_are_listed_with_what_they_are_worth(shop, registry, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    good = registry.save_tuning(Tuning(), facts(0.0531, popularity=0.0068, itemknn=0.0418))
    registry.save_tuning(Tuning(), facts(0.0001, popularity=0.0068))
    registry.promote(good)
    lines = [line.split() for line in shop("models").stdout.splitlines()]
    first, second = (line for line in lines if line and line[0].startswith("tuning-"))
    assert " ".join(first) == (
        "tuning-000001 2026-11-23 09:00 0.0 MB gru, 1,234 events"
        " NDCG@10 0.0531; itemknn 0.0418 promoted"
    )
    assert " ".join(second).endswith("NDCG@10 0.0001; popularity 0.0068")


def test_what_is_promoted_can_be_read_on_a_narrow_terminal(shop, registry):
    registry.promote(registry.save_tuning(Tuning(), facts(0.1, popularity=0.2)), force=True)
    assert " promoted by force" in shop("models").stdout


def test_a_worse_artefact_is_refused_and_forced(shop, registry, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    name = registry.save_tuning(Tuning(), facts(0.1, popularity=0.2))
    refused = shop("promote", name, code=1).stderr
    assert refused.startswith(f"error {name} is not promoted: NDCG@10 is 0.1000, and of the same")
    said = shop("promote", name, "--force").stdout
    assert said == (
        f"{name} is promoted by force\n"
        "although NDCG@10 is 0.1000, and of the same run popularity 0.2000\n"
    )
    assert registry.promoted() == {TUNING: name}
    assert "promoted by force" in shop("models").stdout


def test_rolling_back(shop, registry):
    names = [registry.save_tuning(Tuning(floor=n / 10), {}) for n in range(2)]
    for name in names:
        shop("promote", name)
    assert shop("rollback", "tuning").stdout == f"{names[0]} is promoted again\n"
    assert shop("rollback", "tuning").stdout == "no tuning is promoted now\n"
    assert shop("rollback", code=1).stderr == (
        "error no model was promoted, so there is nothing to go back to\n"
    )
