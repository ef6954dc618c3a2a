"""`python -m endcap` is the command line."""

from endcap.cli import app

app()
