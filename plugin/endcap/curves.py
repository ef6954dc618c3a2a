"""The curves of a training: loss and validation by epoch, beside the baselines."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

NDCG = "ndcg@10"
SIZE = (8.0, 3.2)  # inches
DOTS_PER_INCH = 110


def draw_curves(record: Mapping[str, Any]) -> bytes:
    """A PNG; needs the extra `train`. record: `epochs` with loss and NDCG@10 each, `baselines`."""
    from matplotlib.figure import Figure  # not pyplot: it keeps figures, and looks for a display

    epochs = range(1, len(record["epochs"]) + 1)
    figure = Figure(figsize=SIZE, layout="constrained")
    loss, ndcg = figure.subplots(1, 2)
    loss.plot(epochs, [epoch["loss"] for epoch in record["epochs"]], color="tab:gray")
    loss.set(xlabel="epoch", ylabel="loss")
    ndcg.plot(epochs, [epoch[NDCG] for epoch in record["epochs"]], label="model", linewidth=2)
    for number, (name, ranked) in enumerate(record["baselines"].items(), start=1):
        ndcg.axhline(ranked[NDCG], label=name, color=f"C{number}", linestyle="--")
    ndcg.set(xlabel="epoch", ylabel="validation NDCG@10")
    ndcg.legend(fontsize="small")
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return drawn.getvalue()
