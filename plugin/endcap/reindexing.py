"""`endcap.reindex`: what the command does, for a program with a client."""

import logging

from endcap.client import SearchClient
from endcap.configuration import Configuration
from endcap.exceptions import ConfigurationError
from endcap.operations import build_generation
from endcap_indexer.catalogue import BadRows, OnBadRow, RowSource
from endcap_indexer.generations import Reindexed
from endcap_indexer.generations.progress import Silence

logger = logging.getLogger("endcap")


def reindex(
    client: SearchClient,
    source: RowSource,
    *,
    index: str,
    configuration: Configuration | None = None,
    on_bad_row: OnBadRow | None = None,
    force: bool = False,
) -> Reindexed:
    """Build the next generation of `index` in the client's store, and swap the alias to it.

    source: `Files`, `Rows`, or whatever else has their methods. configuration: of fields, encoder
    and index; None: endcap.toml in the working folder. on_bad_row: told of each row that is
    skipped; None: the first ten are logged. An unchanged catalogue is not built again unless
    forced.

    Raises what the indexer raises (`endcap_indexer.exceptions`), what the source raises, and
    `ConfigurationError` for a client without a store.
    """
    if client.store is None:
        raise ConfigurationError("no store: write connect(…, store=DIR), or set ENDCAP_STORE")
    bad_rows = BadRows()
    done = build_generation(
        client,
        client.store,
        index,
        source,
        configuration or Configuration.read(),
        on_bad_row=on_bad_row or bad_rows,
        say=logger.info,
        progress=Silence(),
        force=force,
    )
    for bad in bad_rows.first:
        logger.warning("skipped %s", bad)
    return done
