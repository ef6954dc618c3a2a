"""``/`` and the cluster's health."""

from endcap_indexer.embedded.engine import Engine
from endcap_indexer.embedded.errors import unsupported
from endcap_indexer.embedded.indices import all_indices, resolve
from endcap_indexer.embedded.requests import Request, Response

NAME = "endcap-embedded"
SERVER_VERSION = "3.6.0"  # the OpenSearch whose answers these are
COLOURS = ("green", "yellow", "red")


def info(engine: Engine, request: Request) -> Response:
    version = {
        "distribution": "opensearch",
        "number": SERVER_VERSION,
        "build_type": "embedded",
        "build_hash": "unknown",
        "build_date": "unknown",
        "build_snapshot": False,
        "lucene_version": "10.3.2",
        "minimum_wire_compatibility_version": "2.19.0",
        "minimum_index_compatibility_version": "2.0.0",
    }
    body = {
        "name": NAME,
        "cluster_name": NAME,
        "cluster_uuid": "_na_",
        "version": version,
        "tagline": "The OpenSearch Project: https://opensearch.org/",
    }
    return Response(200, body)


def health(engine: Engine, request: Request) -> Response:
    """One node: yellow while an index wants replicas, 408 where a named index does not exist."""
    if request.parameters.get("level", "cluster") != "cluster":
        raise unsupported("level")
    name = request.segments.get("index")
    with engine.database.read() as connection:
        if name is None:
            indices = all_indices(connection)
        else:
            indices = resolve(connection, name, ignore_unavailable=True)
    missing = name is not None and "*" not in name and not indices
    replicas = sum(int(index.settings["number_of_replicas"]) for index in indices)
    status = "red" if missing else "yellow" if replicas else "green"
    wanted = request.parameters.get("wait_for_status", "red")
    timed_out = missing or COLOURS.index(status) > COLOURS.index(wanted)
    active = len(indices)
    percent = 100.0 * active / (active + replicas) if active else 100.0
    body = {
        "cluster_name": NAME,
        "status": status,
        "timed_out": timed_out,
        "number_of_nodes": 1,
        "number_of_data_nodes": 1,
        "discovered_master": True,
        "discovered_cluster_manager": True,
        "active_primary_shards": active,
        "active_shards": active,
        "relocating_shards": 0,
        "initializing_shards": 0,
        "unassigned_shards": replicas,
        "delayed_unassigned_shards": 0,
        "number_of_pending_tasks": 0,
        "number_of_in_flight_fetch": 0,
        "task_max_waiting_in_queue_millis": 0,
        "active_shards_percent_as_number": percent,
    }
    return Response(408 if timed_out else 200, body)
