"""A client that is closed: the others do not notice, and it begins anew when it is used again."""

import pytest

TEXT = {"query": {"match": {"title": "red sofa"}}}


@pytest.fixture
def asked(alias):
    """Both forms of a search: re-ranked, and as the plain client answers it."""
    return [{"body": TEXT, "index": alias}, {"body": TEXT, "index": alias, "endcap": False}]


def shown(answer):
    return answer["hits"], answer.get("ext", {}).get("endcap", {}).get("applied", False)


def test_closing_one_client_leaves_another_alone(shop, asked):
    with shop.client() as kept:
        expected = [shown(kept.search(**each)) for each in asked]
        with shop.client() as closed:
            assert [shown(closed.search(**each)) for each in asked] == expected
        assert [shown(kept.search(**each)) for each in asked] == expected
    assert [applied for _, applied in expected] == [True, False]


def test_a_closed_client_is_used_again_as_the_plain_one_is(shop, asked, alias):
    ours, plain = shop.client(), shop.plain()
    found = []
    for _ in range(3):
        with ours, plain:
            found.append([shown(ours.search(**each)) for each in asked])
            assert found[-1][1][0] == plain.search(body=TEXT, index=alias)["hits"]
            assert ours.cluster.health()["status"] == plain.cluster.health()["status"]
        ours.close()
    assert found == [found[0]] * 3
    assert [applied for _, applied in found[0]] == [True, False]


async def test_an_asynchronous_client_leaves_another_alone_and_is_used_again(shop, asked, alias):
    ours, kept, plain = shop.async_client(), shop.async_client(), shop.async_plain()
    found = []
    for _ in range(3):
        async with ours, plain:
            found.append([shown(await ours.search(**each)) for each in asked])
            assert found[-1][1][0] == (await plain.search(body=TEXT, index=alias))["hits"]
        await ours.close()
        found.append([shown(await kept.search(**each)) for each in asked])
    await kept.close()
    assert found == [found[0]] * 6
    assert [applied for _, applied in found[0]] == [True, False]
