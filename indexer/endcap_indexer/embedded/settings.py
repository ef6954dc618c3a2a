"""Index settings: read from a request, shown as OpenSearch shows them."""

from collections.abc import Mapping
from typing import Any

from .errors import RequestError, illegal_argument, unsupported

DEFAULTS = {"number_of_shards": "1", "number_of_replicas": "0"}
FINAL = {"number_of_shards"}
DYNAMIC = {"number_of_replicas", "refresh_interval"}
UNITS = {"nanos": 1e-9, "micros": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def read_settings(settings: Mapping[str, Any]) -> dict[str, str]:
    """Flat settings without the prefix ``index.``; raises 400 on what the engine has not."""
    flat = {key.removeprefix("index."): value for key, value in _flatten(settings, "").items()}
    for key, value in flat.items():
        if key not in FINAL | DYNAMIC:
            raise unsupported(f"index.{key}")
        if key == "number_of_shards" and value != "1":
            raise unsupported(f"number_of_shards: {value}")
        if key == "refresh_interval":
            read_seconds(value, "index.refresh_interval")
        elif not value.isdigit():
            raise illegal_argument(f"Failed to parse value [{value}] for setting [index.{key}]")
    return flat


def change_settings(index: str, old: dict[str, str], changes: dict[str, str]) -> dict[str, str]:
    for key in changes:
        if key in FINAL and changes[key] != old[key]:
            raise illegal_argument(f"final {index} setting [index.{key}], not updateable")
    return {**old, **changes}


def show_settings(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The nested form: ``{"index": {"number_of_shards": "1", ...}}``."""
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        *parents, last = key.split(".")
        place = nested
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return {"index": nested}


def read_seconds(value: str, name: str) -> float:
    """A time value such as ``30s``, in seconds; -1 and 0 need no unit."""
    if value in ("-1", "0"):
        return float(value)
    digits = value.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = UNITS.get(value[len(digits) :])
    if unit is None or not digits.isdigit():
        raise RequestError(
            400,
            "illegal_argument_exception",
            f"failed to parse setting [{name}] with value [{value}] as a time value: "
            "unit is missing or unrecognized",
        )
    return int(digits) * unit


def _flatten(settings: Mapping[str, Any], prefix: str) -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat.update(_flatten(value, f"{prefix}{key}."))
        elif value is not None:
            flat[prefix + key] = str(value).lower() if isinstance(value, bool) else str(value)
    return flat
