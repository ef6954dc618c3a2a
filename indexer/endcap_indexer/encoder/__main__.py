"""`python -m endcap_indexer.encoder MODEL --store DIR`: prepare an encoder and say how."""

from pathlib import Path
from typing import Annotated

import typer

from endcap_indexer.encoder.layout import Prompts
from endcap_indexer.encoder.onnx import OnnxEncoder
from endcap_indexer.encoder.sources import prepare_encoder
from endcap_indexer.encoder.weights import DEFAULT_MODEL
from endcap_indexer.exceptions import EncoderError


def prepare(
    store: Annotated[Path, typer.Option(help="The store that takes the encoder.")],
    model: Annotated[str, typer.Argument(help="A name on the hub, or a folder.")] = DEFAULT_MODEL,
    query_prompt: Annotated[str | None, typer.Option(help="Before every query.")] = None,
    product_prompt: Annotated[str | None, typer.Option(help="Before every product.")] = None,
) -> None:
    """Put an encoder into a store, so that neither torch nor the hub is needed again."""
    own = query_prompt is None and product_prompt is None
    prompts = None if own else Prompts(query_prompt or "", product_prompt or "")
    try:
        encoder = OnnxEncoder(prepare_encoder(model, store, prompts=prompts, say=typer.echo))
    except EncoderError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{encoder.name}: {encoder.dimension} dimensions, ready in {store / 'encoders'}")


if __name__ == "__main__":
    typer.run(prepare)
