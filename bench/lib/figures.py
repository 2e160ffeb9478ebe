# SPDX-License-Identifier: Apache-2.0
"""Figures as they are quoted: a median, how sure it is, and what was hoped for and promised."""

from dataclasses import dataclass
from statistics import median

# Ranks (from 1) between which the true median lies with at least 95 %, by number of samples: the binomial
# distribution's, so nothing is assumed about how the samples are spread.
RANKS = {6: (1, 6), 7: (1, 7), 8: (1, 8), 9: (2, 8), 10: (2, 9), 11: (2, 10), 12: (3, 10), 13: (3, 11), 14: (3, 12), 15: (4, 12)}


@dataclass(frozen=True)
class Figure:
    """Samples of one quantity. Smaller is better; a promise is broken if even the low end of the interval is above it."""

    name: str
    unit: str
    samples: list[float]
    goal: float | None = None
    promise: float | None = None

    def interval(self) -> tuple[float, float]:
        """Where the median lies with 95 %; from the least to the greatest sample if there are too few to say more."""
        ordered = sorted(self.samples)
        low, high = RANKS.get(len(ordered), _ranks(len(ordered)))
        return ordered[low - 1], ordered[high - 1]

    def is_kept(self) -> bool:
        return self.promise is None or self.interval()[0] <= self.promise

    def row(self) -> str:
        low, high = self.interval()
        remarks = [f"goal {_short(self.goal)}: {'met' if median(self.samples) <= self.goal else 'missed'}"] if self.goal else []
        remarks += [f"promise {_short(self.promise)}: {'kept' if self.is_kept() else 'BROKEN'}"] if self.promise else []
        value = f"{_short(median(self.samples))} {self.unit}".strip()
        return f"{self.name:<44} {value:>12}  [{_short(low)} .. {_short(high)}] n={len(self.samples):<3} {', '.join(remarks)}".rstrip()


def report(title: str, figures: list[Figure]) -> int:
    """Prints the figures, and gives the exit status: 1 if a promise is broken."""
    print(f"\n{title}")
    for figure in figures:
        print(f"  {figure.row()}")
    return 0 if all(figure.is_kept() for figure in figures) else 1


def _ranks(count: int) -> tuple[int, int]:
    if count < 6:
        return 1, count
    # Beyond the table, the normal approximation of the same ranks.
    margin = 0.98 * count**0.5
    return max(1, int(count / 2 - margin)), min(count, int(count / 2 + margin + 1.5))


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
