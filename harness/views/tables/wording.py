"""How a table says numbers: means, p, ranks, differences and their intervals."""

import math

NONE = "–"
CORRECTION_NAMES = {
    "holm": "Holm",
    "bonferroni": "Bonferroni",
    "bh": "Benjamini–Hochberg",
    "maxt": "step-down max-T",
}


def number(value: float | None) -> str:
    """A score with four digits; an en dash where there is none."""
    return NONE if value is None else f"{value:.4f}"


def p_text(p: float) -> str:
    """A p value with three significant digits, never 0."""
    return "<1e-99" if p < 1e-99 else f"{p:.3g}"


def rank_text(rank: tuple[int, int] | None) -> str:
    """`2` or `1–3`."""
    return NONE if rank is None else f"{rank[0]}" if rank[0] == rank[1] else f"{rank[0]}–{rank[1]}"


def effect(size: float, digits: int) -> str:
    """`+0.25`; an en dash where the differences have no spread to measure by."""
    return signed(size, digits) if math.isfinite(size) else NONE


def signed(value: float, digits: int) -> str:
    """`+0.2500`; what rounds to 0 is `+0.0000`, from whatever side."""
    return f"{round(value, digits) + 0.0:+.{digits}f}"


def span(interval: tuple[float, float] | None, sign: str = "", digits: int = 4) -> str:
    """`[0.6512, 0.7034]`; an end that rounds to 0 has no minus."""
    if interval is None:
        return NONE
    return f"[{', '.join(f'{round(end, digits) + 0.0:{sign}.{digits}f}' for end in interval)}]"
