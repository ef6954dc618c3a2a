"""A small shop to try endcap on: its catalogue, its shoppers, and three queries."""

from endcap.demo.catalogue import make_catalogue
from endcap.demo.files import DemoFiles, write_demo
from endcap.demo.shoppers import QUERIES, SHOPPERS, SHOWN, Shopper, make_events

__all__ = [
    "QUERIES",
    "SHOPPERS",
    "SHOWN",
    "DemoFiles",
    "Shopper",
    "make_catalogue",
    "make_events",
    "write_demo",
]
