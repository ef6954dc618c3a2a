"""The command line: one module a group of commands, `application` puts them together."""

from endcap.cli.application import app

__all__ = ["app"]
