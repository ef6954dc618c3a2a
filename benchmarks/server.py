"""The genuine OpenSearch that the tests run on, for benchmarks: `with open_server(fetch=True)`."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests" / "opensearch"))

from opensearch_server import MissingServer, open_server  # noqa: E402

__all__ = ["MissingServer", "open_server"]
