"""Catalogue in, two indexes out: a lexical one in the engine, a vector one in the store."""
