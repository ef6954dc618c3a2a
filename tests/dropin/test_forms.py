"""Every way of writing a call: positional as in 2.x, keywords as in 3.x, `params`, text."""

import json

import pytest
from opensearchpy import AsyncOpenSearch, OpenSearch
from opensearchpy.serializer import JSONSerializer

import endcap

TEXT = {"query": {"match": {"title": "red sofa"}}}


def ids(answer):
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def test_positional_and_keyword_forms_are_the_same(ours, alias):
    body = {**TEXT, "size": 3}
    expected = ours.search(body=body, index=alias)
    assert expected["ext"]["endcap"]["applied"] is True
    forms = [
        ours.search(body, alias),
        ours.search(body, alias, {"size": "3"}),
        ours.search(body, alias, None, {"X-Opaque-Id": "7"}),
        ours.search(body, index=alias),
        ours.search(body, index=[alias]),
        ours.search(index=alias, body=json.dumps(body)),
        ours.search(index=alias, body=json.dumps(body).encode()),
        ours.search(TEXT, alias, params={"size": 3}),
        ours.search(TEXT, alias, size=3),
        ours.search({**TEXT, "size": 8}, alias, size=3),
        ours.search(TEXT, alias, params={"size": 9}, size=3),
    ]
    assert [ids(answer) for answer in forms] == [ids(expected)] * len(forms)
    assert all(answer["ext"]["endcap"]["applied"] for answer in forms)


@pytest.mark.parametrize(
    "start", [{"body": {**TEXT, "from": 2}}, {"from_": 2}, {"params": {"from": 2}}]
)
def test_a_page_begins_where_it_is_said_wherever_it_is_said(ours, alias, start):
    whole = ours.search(TEXT, alias, size=5)
    assert ids(ours.search(**{"body": TEXT, "index": alias, "size": 3, **start})) == ids(whole)[2:]


def test_the_caller_s_objects_are_left_as_they_were(ours, alias):
    body = {**TEXT, "_source": ["title"], "ext": {"endcap": {"window": 9}}}
    params, headers = {"size": 3}, {"X-Opaque-Id": "7"}
    written = json.dumps([body, params, headers])
    ours.search(body, alias, params, headers)
    assert json.dumps([body, params, headers]) == written


def test_what_the_client_s_own_options_do_is_done(ours, alias):
    options = {"request_timeout": 5, "opaque_id": "7", "ignore": 404, "headers": {"X-Name": "ada"}}
    assert ours.search(TEXT, alias, **options)["ext"]["endcap"]["applied"] is True


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonsense": 1},
        {"http_auth": ("a", "b"), "api_key": "c"},
        {"params": {"nonsense": 1}},
    ],
)
def test_what_the_plain_client_refuses_is_refused_alike(ours, plain, alias, outcome, wrong):
    named = {"body": TEXT, "index": alias, **wrong}
    assert outcome(ours.search, **named) == outcome(plain.search, **named)


@pytest.mark.parametrize("shop", ["opensearch"], indirect=True)
@pytest.mark.parametrize("wrong", [{"preference": "_nowhere:1"}, {"request_timeout": "soon"}])
def test_what_the_server_or_its_connection_refuses_is_refused(ours, plain, alias, outcome, wrong):
    named = {"body": TEXT, "index": alias, **wrong}
    assert outcome(ours.search, **named) == outcome(plain.search, **named)


class Recorder:
    """A transport that keeps the requests and answers nothing."""

    def __init__(self, hosts, **options):
        self.hosts = hosts
        self.options = options
        self.serializer = options.get("serializer", JSONSerializer())
        self.calls = []

    def perform_request(self, method, url, params=None, headers=None, body=None):
        self.calls.append((method, url, params, headers, body))
        return {}

    def close(self):
        pass


CALLS = [
    ("search", (), {"index": "i", "from_": 10}),
    ("search", (), {}),
    ("search", (), {"body": {"query": {"match": {"t": "x"}}}, "index": ["a", "b"], "size": 3}),
    ("search", (), {"body": '{"query": 1}', "index": "i", "filter_path": ["took", "hits"]}),
    ("search", (), {"body": b"{}", "index": "i", "request_timeout": 0.1, "ignore": [404]}),
    ("search", (), {"index": "i", "params": {"a": 1}, "headers": {"B": "c"}, "opaque_id": "7"}),
    ("search", (), {"index": "i", "routing": "1", "_source": ["a", "b"], "explain": True}),
    ("search", (), {"index": "i", "http_auth": ("a", "b")}),
    ("msearch", (), {"body": [{}, {"query": {"match_all": {}}}], "index": "i"}),
    ("msearch", (), {"body": '{}\n{"size": 1}\n', "typed_keys": True}),
    ("msearch", (), {"body": b'{"index": "i"}\n{}', "max_concurrent_searches": 2}),
    ("msearch", (), {"body": []}),
    ("msearch", (), {"body": [{"index": "i"}]}),
    ("bulk", (), {"body": [{"index": {}}, {"a": 1}], "index": "i", "refresh": True}),
    ("count", (), {"index": "i", "body": {"query": {"match_all": {}}}}),
    ("ping", (), {"request_timeout": 0.1}),
]


@pytest.mark.parametrize(("method", "given", "named"), CALLS)
def test_without_a_store_the_plain_request_goes_out_alone(method, given, named, outcome):
    plain, ours = (
        OpenSearch(transport_class=Recorder),
        endcap.SearchClient(transport_class=Recorder),
    )
    expected = outcome(getattr(plain, method), *given, **named)
    assert outcome(getattr(ours, method), *given, **named) == expected
    assert ours.transport.calls == plain.transport.calls


class AsyncRecorder(Recorder):
    async def perform_request(self, *given, **named):
        return super().perform_request(*given, **named)

    async def close(self):
        pass


@pytest.mark.parametrize(("method", "given", "named"), CALLS)
async def test_without_a_store_the_plain_request_is_awaited_alone(method, given, named):
    found = []
    for client_class in (AsyncOpenSearch, endcap.AsyncSearchClient):
        client = client_class(transport_class=AsyncRecorder)
        try:
            await getattr(client, method)(*given, **named)
        except (TypeError, ValueError) as error:
            found.append(str(error))
        found.append(client.transport.calls)
        assert repr(client) == "<AsyncOpenSearch([{}])>"
        await client.close()
    assert found[: len(found) // 2] == found[len(found) // 2 :]


@pytest.mark.parametrize(
    "hosts",
    [
        None,
        "search.shop",
        "https://user:secret@search.shop:9200/prefix",
        ["a", "b:9201"],
        {"host": "a", "port": 1},
        [{"host": "a", "use_ssl": True}],
    ],
)
def test_hosts_are_said_as_the_plain_client_takes_them(hosts):
    plain, ours = OpenSearch(hosts, Recorder), endcap.SearchClient(hosts, Recorder)
    assert ours.transport.hosts == plain.transport.hosts
    assert repr(ours) == repr(plain)


def test_without_a_store_the_connections_are_the_plain_client_s():
    with OpenSearch() as plain, endcap.SearchClient() as ours:
        for name in ("connection_class", "pool_maxsize", "max_retries", "hosts", "kwargs"):
            assert getattr(ours.transport, name) == getattr(plain.transport, name)
        assert isinstance(ours.transport.serializer, type(plain.transport.serializer))


@pytest.mark.parametrize(
    ("ours", "plain"),
    [(endcap.SearchClient, OpenSearch), (endcap.AsyncSearchClient, AsyncOpenSearch)],
)
async def test_what_opensearch_py_says_of_a_client_names_the_plain_one(ours, plain):
    """In a warning of its own, for one; `plugins` twice is what its tests do."""
    said = []
    for each in (ours, plain):
        client = each(transport_class=AsyncRecorder)
        with pytest.warns(RuntimeWarning) as warnings:
            client.plugins.__init__(client)
        said.append([str(warning.message) for warning in warnings])
    assert said[0] == said[1]
    assert f"directly to {plain.__name__} as it already exists" in said[0][0]


def test_the_name_of_a_subclass_is_shown():
    class ShopClient(endcap.SearchClient):
        pass

    assert repr(ShopClient(transport_class=Recorder)) == "<ShopClient([{}])>"


def test_the_caller_s_own_serializer_is_used():
    serializer = object()
    client = endcap.SearchClient(transport_class=Recorder, serializer=serializer, timeout=3)
    assert client.transport.options == {"serializer": serializer, "timeout": 3}
