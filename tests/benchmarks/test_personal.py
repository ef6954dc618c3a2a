"""benchmarks/personal.py on a tiny folder, and its metrics on ranks that are known."""

import gzip
import sys
from collections import Counter
from math import log2

import numpy as np
import pytest
from rich.console import Console

METRICS = {"hr@10", "ndcg@10", "mrr"}


def test_the_averages_are_their_formulas(benchmark):
    ranks = benchmark("ranks")
    found = ranks.averages([1, 3, 10, 11, np.inf])
    assert found == {
        "hr@10": 3 / 5,
        "ndcg@10": round((1 + 1 / log2(4) + 1 / log2(11)) / 5, 4),
        "mrr": round((1 + 1 / 3 + 1 / 10 + 1 / 11) / 5, 4),
    }


def test_equal_scores_share_the_middle_of_their_places(benchmark):
    rank = benchmark("ranks").rank_among
    assert rank(np.array([3.0, 2, 1]), 1) == 2
    assert rank(np.array([3.0, 2, 2, 2]), 2) == 3  # places 2, 3 and 4
    assert rank(np.zeros(5), 4) == 3


def test_a_product_that_is_not_shown_has_no_rank(benchmark):
    rank = benchmark("ranks").rank_in
    assert rank(["a", "b"], "b") == 2
    assert rank(["a", "b"], "c") == np.inf


def test_protocol_a_ranks_all_products(rows, visited):
    systems = ("popularity", "cooccurrence", "history", "ease", "blend")
    found = rows("personal", visited, "--protocol", "A", "--seeds", "2", "--systems", *systems)
    assert [(row["system"], row["seed"]) for row in found] == [
        (system, seed) for system in systems for seed in (0, 1)
    ]
    for row in found:
        assert row["candidates"] == "all"
        assert row["searches"] == 40
        assert all(isinstance(row[name], float) and 0 <= row[name] <= 1 for name in METRICS)
        assert row["seconds"] >= 0


def test_users_who_keep_to_a_colour_are_known_by_it(rows, visited):
    """Four colours of 12 products: history knows the colour, popularity does not."""
    arguments = ("--protocol", "A", "--systems", "history", "popularity")
    found = {row["system"]: row for row in rows("personal", visited, *arguments)}
    assert found["history"]["hr@10"] == 1
    assert found["popularity"]["hr@10"] < 0.6


@pytest.mark.torch
def test_protocol_b_goes_through_the_client_and_an_oracle(rows, visited):
    found = rows("personal", visited, "--protocol", "B", "--processes", "1", "--epochs", "3")
    both = ("popularity", "nonpersonal", "counted", "personal")
    assert {(row["system"], row["candidates"]) for row in found} == {
        ("lexical", "client"),
        *((name, candidates) for name in both for candidates in ("client", "oracle")),
    }
    for row in found:
        assert all(isinstance(row[name], float) and 0 <= row[name] <= 1 for name in METRICS)
    client = {row["system"]: row for row in found if row["candidates"] == "client"}
    assert client["personal"]["ndcg@10"] > client["nonpersonal"]["ndcg@10"]
    assert client["personal"]["window"] == 200
    oracle = {row["system"]: row for row in found if row["candidates"] == "oracle"}
    assert oracle["personal"]["ndcg@10"] > oracle["popularity"]["ndcg@10"]


def test_without_the_user_model_nothing_is_trained(rows, visited, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    arguments = ("--protocol", "B", "--processes", "1", "--systems", "counted", "nonpersonal")
    found = rows("personal", visited, *arguments)
    assert len(found) == 4


def test_two_processes_find_what_one_does(rows, visited):
    arguments = ("--protocol", "B", "--systems", "lexical", "--processes")
    one, two = (rows("personal", visited, *arguments, number) for number in "12")
    assert [{**row, "seconds": 0} for row in one] == [{**row, "seconds": 0} for row in two]


@pytest.mark.torch
def test_each_choice_of_a_model_is_measured_with_the_best_others(rows, visited):
    arguments = ("--protocol", "A", "--systems", "models", "--seeds", "2", "--epochs", "2")
    found = rows("personal", visited, *arguments)
    *models, spread, first_blend, second_blend = found
    assert [first_blend["seed"], second_blend["seed"]] == [0, 1]
    assert first_blend["system"] == "blend with model"
    assert spread["seed"] == "mean"
    names = [row["system"].split(", ") for row in models if "no text" not in row["system"]]
    encoders, interactions, losses = (set(chosen) for chosen in zip(*names, strict=True))
    assert encoders == {"user", "mean", "gru", "attention"}
    assert interactions == {"dot", "mlp"}
    assert losses == {"bce", "sampled-softmax", "full-softmax"}
    assert len([row for row in models if row["system"] == spread["system"]]) == 2
    for row in models:
        assert all(isinstance(row[name], float) and 0 <= row[name] <= 1 for name in METRICS)
        assert row["training_seconds"] > 0
        assert row["epochs"] in (1, 2)
    again = rows("personal", visited, *arguments)
    kept = [name for name in models[0] if name != "seconds"]
    assert [[row[name] for name in kept] for row in models] == [
        [row[name] for name in kept] for row in again[: len(models)]
    ]


def test_only_the_asked_systems_are_run(rows, visited):
    found = rows("personal", visited, "--protocol", "A", "--systems", "popularity")
    assert [row["system"] for row in found] == ["popularity"]


def test_the_last_event_of_every_user_is_withheld(rows, visited, benchmark, model):
    """Were it counted, each user's answer would be chosen together with the whole history."""
    shop = benchmark("shop").open_shop(visited, None, model, Console(quiet=True))
    events = shop.folder.events(Console(quiet=True))
    cases = benchmark("searching").read_cases(shop, events, None, Console(quiet=True))
    assert len(cases) == 40
    for case in cases:
        assert case.answer not in case.history
        assert len(case.history) == 5


def test_times_instead_of_positions(rows, visited):
    path = visited / "interactions.tsv.gz"
    header, *lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    cells = [line.split("\t") for line in lines]
    text = "".join(f"{user}\t{1_700_000_000 + 60 * int(n)}\t{item}\n" for user, n, item in cells)
    path.write_bytes(gzip.compress(b"user_id\ttimestamp\tproduct_id\n" + text.encode()))
    found = rows("personal", visited, "--protocol", "A", "--systems", "history")
    assert found[0]["hr@10"] == 1


def test_users_are_numbered_as_interactions_number_them(visited, benchmark):
    folder = benchmark("shop").DataFolder(visited)
    interactions, users = folder.events(Console(quiet=True))
    histories = interactions.histories()
    start, end = histories.indptr[[users["u7"], users["u7"] + 1]]
    shown = [id.decode() for id in interactions.item_ids[histories.items[start:end]].tolist()]
    assert len(users) == interactions.n_users == 40
    assert Counter(shown) == Counter(_history_of("u7", folder))


def _history_of(user, folder):
    lines = gzip.decompress(folder.find("interactions").read_bytes()).decode().splitlines()
    return [line.split("\t")[2] for line in lines if line.split("\t")[0] == user]


def test_searches_that_cannot_be_asked_are_skipped_and_said(rows, visited, capsys):
    with gzip.open(visited / "search_test.tsv.gz", "at") as file:
        file.write("u1\t\tp00\nu2\thome sofa\tnot-the-last\n")
    arguments = ("--protocol", "B", "--systems", "lexical", "--processes", "1")
    (row,) = rows("personal", visited, *arguments)
    assert row["searches"] == 40
    shown = capsys.readouterr().out
    assert "skipped 1 searches without a user, a query or a product" in shown
    assert "skipped 1 searches whose product is not the last one of its user" in shown


def test_no_search_that_can_be_asked_is_an_error(rows, visited, capsys):
    text = "user_id\tquery\tproduct_id\nu1\t\tp00\n"
    (visited / "search_test.tsv.gz").write_bytes(gzip.compress(text.encode()))
    with pytest.raises(SystemExit, match="1"):
        rows("personal", visited, "--protocol", "B")
    assert "has no search that can be asked" in capsys.readouterr().err.replace("\n", " ")


def test_users_with_two_products_are_too_few_to_tune_and_fit_on(rows, visited, capsys):
    """The default is measured, and the blend is left out: both are said."""
    _keep_the_last(visited, 2)
    found = rows("personal", visited, "--protocol", "B", "--processes", "1")
    assert [(row["system"], row["candidates"]) for row in found] == [
        *(
            (name, "client")
            for name in ("lexical", "popularity", "nonpersonal", "counted", "personal")
        ),
        ("popularity", "oracle"),
    ]
    shown = capsys.readouterr().out
    assert "but no model is trained: no user has two products" in shown
    assert "but nothing is tuned, the default is measured: no user has two products" in shown
    assert "nonpersonal is left out, oracle, seed 0: " in shown
    found = rows("personal", visited, "--protocol", "A", "--systems", "history", "blend")
    assert [row["system"] for row in found] == ["history"]
    assert "blend is left out, seed 0: " in capsys.readouterr().out


def test_users_with_one_product_can_be_asked_for_none(rows, visited, capsys):
    _keep_the_last(visited, 1)
    with pytest.raises(SystemExit, match="1"):
        rows("personal", visited, "--protocol", "A")
    assert "no user has two products" in capsys.readouterr().err


def _keep_the_last(folder, n):
    path = folder / "interactions.tsv.gz"
    header, *lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    kept = [line for line in lines if int(line.split("\t")[1]) >= 6 - n]
    path.write_bytes(gzip.compress("\n".join([header, *kept, ""]).encode()))


def test_a_system_of_the_other_protocol_is_an_error(rows, visited, capsys):
    with pytest.raises(SystemExit, match="1"):
        rows("personal", visited, "--protocol", "B", "--systems", "cooccurrence")
    said = (
        "--systems cooccurrence: protocol B has lexical, fused, popularity, nonpersonal, counted,"
        " personal"
    )
    assert said in capsys.readouterr().err


def test_bad_rows_are_said(rows, visited, capsys):
    with gzip.open(visited / "interactions.tsv.gz", "at") as file:
        file.write("\t3\tp00\n")
    with gzip.open(visited / "products.jsonl.gz", "at") as file:
        file.write("{broken\n")
    rows("personal", visited, "--protocol", "A", "--systems", "popularity")
    shown = capsys.readouterr().out
    assert "interactions.tsv.gz:242" in shown
    assert "products.jsonl.gz:49" in shown


def test_a_repeated_last_product_is_neither_in_the_history_nor_in_the_counts(visited, benchmark):
    """A B X X: u0 sees the last product once more."""
    last = _history_of("u0", benchmark("shop").DataFolder(visited))[-1]
    with gzip.open(visited / "interactions.tsv.gz", "at") as file:
        file.write(f"u0\t9\t{last}\n")
    quiet = Console(quiet=True)
    folder = benchmark("shop").DataFolder(visited)
    events = folder.events(quiet)
    shop = benchmark("shop").Shop(folder, folder.fields(), visited)
    case = benchmark("searching").read_cases(shop, events, None, quiet)[0]
    assert case.answer == last
    assert list(case.history) == _history_of("u0", folder)[:5]
    seen = events.interactions.without_last(1)
    start, end = seen.histories().indptr[[events.users["u0"], events.users["u0"] + 1]]
    assert last.encode() not in seen.item_ids[seen.items[start:end]].tolist()


def test_protocol_b_without_searches_names_the_file(rows, visited, capsys):
    (visited / "search_test.tsv.gz").unlink()
    with pytest.raises(SystemExit, match="1"):
        rows("personal", visited, "--protocol", "B")
    assert "has no search_test file" in capsys.readouterr().err.replace("\n", " ")


def test_a_limit_is_said_to_give_no_figure(rows, visited, capsys):
    (row,) = rows("personal", visited, "--protocol", "A", "--systems", "popularity", "--limit", "5")
    assert row["searches"] == 5
    assert "5 users only: no figure to compare" in capsys.readouterr().out


@pytest.mark.parametrize(("cases", "best"), [(5_000, "first"), (1_000_000, "highest")])
def test_what_is_as_good_but_for_chance_is_the_first(benchmark, cases, best):
    models = benchmark("models")
    ndcgs = {"worse": 0.05, "first": 0.076, "highest": 0.078}
    found = {name: models.Validated(ndcg, cases) for name, ndcg in ndcgs.items()}
    assert models.Comparison(None, None, found).best() == best
