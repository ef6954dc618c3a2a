"""A search engine within the process, spoken to through opensearch-py as a server is."""

from .connection import EmbeddedAsyncConnection, EmbeddedConnection

__all__ = ["EmbeddedAsyncConnection", "EmbeddedConnection"]
