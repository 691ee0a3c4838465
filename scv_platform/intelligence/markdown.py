"""The pictures of the scores that their asset pages show, as markdown."""

from scv_platform.intelligence.backtest import Backtest
from scv_platform.intelligence.churn import ChurnSummary
from scv_platform.intelligence.churn_model import MODEL, Population
from scv_platform.intelligence.rfm import RfmSummary
from scv_platform.warehouse.preview import bar


def segments_as_markdown(summary: RfmSummary) -> str:
    """A table of the segments, with a bar for the share of customers in each."""
    lines = ["| segment | customers | share | net revenue | | meaning |", "|---|--:|--:|--:|---|---|"]
    for row in summary.segments:
        share = row.customers / summary.rows if summary.rows else 0.0
        lines.append(
            f"| {row.segment} | {row.customers:,} | {share:.0%} | {row.monetary:,.2f} | {bar(share)}"
            f" | {row.description} |"
        )
    return "\n".join(lines)


def deciles_as_markdown(summary: ChurnSummary) -> str:
    """A table of the deciles, with a bar for the mean probability of each."""
    lines = ["| decile | customers | mean churn probability | |", "|--:|--:|--:|---|"]
    for row in summary.deciles:
        lines.append(f"| {row.decile} | {row.customers:,} | {row.mean_probability:.1%} | {bar(row.mean_probability)} |")
    return "\n".join(lines)


def parameters_as_markdown(population: Population) -> str:
    """The fitted parameters in words, or why there are none."""
    if population.fitted is None:
        return f"no model: {population.ineligible}"
    fitted = population.fitted
    of = fitted.parameters
    lines = [
        "| | | meaning |",
        "|---|--:|---|",
        f"| r | {of.r:.4f} | shape of the rates of purchase: the smaller, the more customers differ |",
        f"| alpha | {of.alpha:.4f} weeks | scale of the rates; r / alpha = {of.r / of.alpha:.4f} purchases a week |",
        f"| a, b | {of.a:.4f}, {of.b:.4f} | a / (a + b) = {of.a / (of.a + of.b):.1%} leave after a purchase |",
        f"| log-likelihood | {fitted.log_likelihood:,.1f} | {fitted.model}, maximum likelihood |",
    ]
    if fitted.at_bound:
        lines.append(f"| at a bound | {', '.join(fitted.at_bound)} | customers do not differ there |")
    return "\n".join(lines)


def figures_as_markdown(backtest: Backtest) -> str:
    """The model beside the baselines."""
    if not backtest.figures:
        return "too little was known at the origin"
    lines = ["| forecast | customers | churned | AUC | Brier | log loss | ECE |", "|---|--:|--:|--:|--:|--:|--:|"]
    for name, of in backtest.figures.items():
        auc = "" if of.auc is None else f"{of.auc:.3f}"
        lines.append(
            f"| {name} | {of.customers:,} | {of.churned / of.customers:.1%} | {auc} | {of.brier:.4f}"
            f" | {of.log_loss:.4f} | {of.ece:.3f} |"
        )
    return "\n".join(lines)


def calibration_as_markdown(backtest: Backtest) -> str:
    """What the model said and what happened, by tenths of probability; the bars should be alike."""
    if not backtest.figures:
        return "too little was known at the origin"
    lines = ["| customers | predicted | | churned | |", "|--:|--:|---|--:|---|"]
    for of in backtest.figures[MODEL].bins:
        lines.append(
            f"| {of.customers:,} | {of.predicted:.1%} | {bar(of.predicted)} | {of.actual:.1%} | {bar(of.actual)} |"
        )
    return "\n".join(lines)
