"""endcap: a drop-in, personalised re-rank stage for shops that run OpenSearch."""

from endcap.async_client import AsyncSearchClient
from endcap.client import SearchClient
from endcap.configuration import SearchSettings
from endcap.connections import connect, connect_async
from endcap.exceptions import (
    ArtefactError,
    ConfigurationError,
    EndcapError,
    EvaluationError,
    ProfileError,
    RequestError,
)
from endcap.reindexing import reindex
from endcap.upserts import Refused, Upserted
from endcap_indexer.catalogue import Files, Rows

__all__ = [
    "ArtefactError",
    "AsyncSearchClient",
    "ConfigurationError",
    "EndcapError",
    "EvaluationError",
    "Files",
    "ProfileError",
    "Refused",
    "RequestError",
    "Rows",
    "SearchClient",
    "SearchSettings",
    "Upserted",
    "connect",
    "connect_async",
    "reindex",
]
