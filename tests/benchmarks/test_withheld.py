"""What is asked for, and what weights are fitted on, is not learnt: by position or by time."""

import gzip

import pytest
from rich.console import Console

QUIET = Console(quiet=True)


def rewrite(folder, moment):
    """u0 ends with two products that nobody else has; moment: (user, position) → a cell."""
    path = folder / "interactions.tsv.gz"
    _, *lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    rows = [("user_id", *moment(None, None), "product_id")]
    for user, position, item in (line.split("\t") for line in lines):
        rare = user == "u0" and int(position) >= 4
        own = f"rare{position}" if rare else item
        rows.append((user, *moment(int(user[1:]), int(position)), own))
    path.write_bytes(gzip.compress("".join("\t".join(map(str, r)) + "\n" for r in rows).encode()))


def by_position(user, position):
    return ("position",) if user is None else (position,)


def by_time(user, position):
    return ("timestamp",) if user is None else (1_700_000_000 + 60 * position + user,)


@pytest.mark.torch
@pytest.mark.parametrize("moment", [by_position, by_time])
def test_a_model_has_not_learnt_the_last_products(visited, benchmark, model, moment):
    rewrite(visited, moment)
    shop = benchmark("shop").open_shop(visited, None, model, QUIET)
    experiment = benchmark("searching").open_experiment(shop, 1, None, QUIET)
    known = {back: set(experiment.model(back).item_ids.tolist()) for back in (1, 2)}
    assert known[1] & {b"rare4", b"rare5"} == {b"rare4"}
    assert known[2] & {b"rare4", b"rare5"} == set()


@pytest.mark.torch
def test_what_scores_pairs_is_trained_on_fewer_whoever_asks(visited, benchmark, model):
    shop = benchmark("shop").open_shop(visited, None, model, QUIET)
    trainer = benchmark("recommendation").open_experiment(shop, 1, None, QUIET).trainer
    for interaction, negatives in (("mlp", 128), ("dot", 1024)):
        record = trainer.train(trainer.configure(interaction=interaction)).record
        assert record["training"]["negatives"] == negatives


def test_searches_may_name_their_columns_as_events_do(visited, benchmark, model):
    path = visited / "search_test.tsv.gz"
    header, *lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    assert header == "user_id\tquery\tproduct_id"
    renamed = "\n".join(["client_id\tuser_query\titem", *lines])
    path.write_bytes(gzip.compress(renamed.encode()))
    shop = benchmark("shop").open_shop(visited, None, model, QUIET)
    events = shop.folder.events(QUIET)
    assert len(benchmark("searching").read_cases(shop, events, None, QUIET)) == 40
