"""A plan as Markdown, for a page or a pull request: every month folded away below."""

from __future__ import annotations

from tco.analysis.plan import Plan
from tco.report import plan_words as words
from tco.report.markdown import blocks, escaped, notes
from tco.report.plan_sheets import every_month, of_option, sheets


def as_markdown(plan: Plan, option: str | None = None) -> str:
    """The plan in tables, the answer first; with an option, that one line by line."""
    answer = f"**{escaped(words.verdict(plan))}** {escaped(' '.join(words.why(plan)))}"
    parts = [f"## {escaped(plan.title)}", answer]
    for sheet in sheets(plan) if option is None else of_option(plan, option):
        parts += blocks(sheet)
    parts += notes(plan.assumptions, plan.warnings)
    if option is None:
        table = blocks(every_month(plan))[1]
        parts.append(f"<details><summary>Every month ({plan.currency})</summary>\n\n{table}\n\n</details>")
    parts.append(f"<sub>{escaped(words.subtitle(plan))}</sub>")
    return "\n\n".join(parts) + "\n"
