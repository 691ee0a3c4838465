"""The pictures of likely pairs that asset pages show, as markdown: what the model learned, what a threshold does."""

from collections.abc import Mapping, Sequence
from typing import Any

from scv_platform.identity.linkage import LinkageModel, Survey
from scv_platform.identity.shape import ThresholdFigures
from scv_platform.warehouse.preview import bar, markdown_table


def blocks_as_markdown(found: Survey, model: LinkageModel | None) -> str:
    """How many pairs agree in each block, and which blocks the model compares."""
    compared = model.blocks if model else found.blocks
    rows = [
        {"block": ", ".join(block), "pairs": f"{pairs:,}", "compared": "yes" if block in compared else ""}
        for block, pairs in found.block_pairs.items()
    ]
    return markdown_table(["block", "pairs", "compared"], rows, numbers=["pairs"])


def weights_as_markdown(model: LinkageModel) -> str:
    """The match weights: how far each answer moves a pair from where all pairs begin, to the left if they are two."""
    steps = [(level, level.weight) for level in model.levels]
    most = max(abs(weight or 0.0) for weight in [model.prior_weight, *(weight for _, weight in steps)])
    rows = [
        {"feature": "any pair", "level": "before anything is compared", **_weight(model.prior_weight, most)},
        *(
            {
                "feature": level.feature,
                "level": level.level,
                "of one person": _share(level.among_one_person),
                "of two": _share(level.among_two),
                **_weight(weight, most),
            }
            for level, weight in steps
        ),
    ]
    columns = ["feature", "level", "of one person", "of two", "two people", "weight", "one person"]
    return markdown_table(columns, rows, numbers=columns[2:-1])


def pairs_as_markdown(steps: Sequence[Mapping[str, Any]]) -> str:
    """How many pairs would be left, were more asked of them."""
    most = max(step["pairs"] for step in steps)
    rows = [{**step, "pairs": f"{step['pairs']:,}", "": _part(step["pairs"], most)} for step in steps]
    return markdown_table(["probability", "pairs", ""], rows, numbers=["probability", "pairs"])


def thresholds_as_markdown(steps: Sequence[ThresholdFigures]) -> str:
    """How many pairs, links and customers would be left, were more asked of pairs."""
    most = max(step.customers for step in steps)
    rows = [
        {
            "probability": step.probability,
            "pairs": f"{step.pairs:,}",
            "links": f"{step.links:,}",
            "customers": f"{step.customers:,}",
            "": _part(step.customers, most),
        }
        for step in steps
    ]
    return markdown_table([*rows[0]], rows, numbers=[*rows[0]][:-1])


def _weight(weight: float | None, most: float) -> dict[str, str]:
    """A weight, and its bar on the side for which it speaks."""
    if weight is None:
        return {"weight": ""}
    return {
        "weight": f"{weight:+.1f}",
        "two people" if weight < 0 else "one person": _part(abs(weight), most),
    }


def _part(count: float, most: float) -> str:
    return bar(count / most) if most else ""


def _share(share: float | None) -> str:
    return "not seen" if share is None else f"{share:.2g}"
