"""What the client sets of its connections."""

import pytest
from opensearchpy import RequestsHttpConnection

from endcap import SearchClient
from endcap.core import WORKERS


@pytest.mark.parametrize(("options", "kept"), [({}, WORKERS), ({"pool_maxsize": 3}, 3)])
def test_a_connection_is_kept_for_every_leg_at_work(tmp_path, options, kept):
    with SearchClient("http://127.0.0.1:9", store=tmp_path, **options) as client:
        (connection,) = client.transport.connection_pool.connections
        assert connection.pool.pool.maxsize == kept


def test_another_kind_of_connection_is_left_as_it_is(tmp_path):
    """It may not know the option."""

    class Strict(RequestsHttpConnection):
        def __init__(self, host="localhost", port=None, **options):
            assert "pool_maxsize" not in options
            super().__init__(host=host, port=port, **options)

    with SearchClient("http://127.0.0.1:9", store=tmp_path, connection_class=Strict):
        pass
