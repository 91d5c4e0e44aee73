"""Figures of results, as matplotlib figures."""

from typing import Dict, Sequence, Tuple

import numpy as np
from matplotlib.figure import Figure


def accuracy_figure(points: Dict[str, Tuple[float, float]]) -> Figure:
    """Accuracy in context against accuracy out of context, a dot a model.

    Args:
        points: of each model's name (in context, out of context), in percent.
    """
    figure = Figure(figsize=(6, 4.5), layout='constrained')
    axes = figure.subplots()
    for name, (inside, outside) in points.items():
        ours = name.startswith('IntegralAction')
        axes.scatter(
            inside,
            outside,
            s=90 if ours else 50,
            color='C3' if ours else 'C0',
            zorder=3,
        )
        axes.annotate(
            name,
            (inside, outside),
            xytext=(-7, 5),
            textcoords='offset points',
            ha='right',
            weight='bold' if ours else 'normal',
        )
    values = np.array(list(points.values()))
    low, high = values.min(0), values.max(0)
    room = (high - low).clip(5) * [0.55, 0.12]
    axes.set_xlim(low[0] - room[0], high[0] + 3)
    axes.set_ylim(low[1] - room[1], high[1] + 2 * room[1])
    axes.set_xlabel('top-1 in context (%)')
    axes.set_ylabel('top-1 out of context (%)')
    axes.grid(alpha=0.3)
    return figure


def gate_figure(groups: Dict[str, Sequence[float]]) -> Figure:
    """How the gate G is distributed in groups of videos.

    Args:
        groups: of each group's name the videos' gates, G averaged over
            channels and time.
    """
    figure = Figure(figsize=(6, 3.2), layout='constrained')
    axes = figure.subplots()
    every = np.concatenate([np.asarray(values) for values in groups.values()])
    bins = np.linspace(0, max(0.01, every.max()) * 1.05, 41)
    for i, (name, values) in enumerate(groups.items()):
        values = np.asarray(values)
        axes.hist(
            values,
            bins,
            density=True,
            alpha=0.55,
            color=f'C{i}',
            label=f'{name}: mean {values.mean():.2f} ({len(values)} videos)',
        )
        axes.axvline(values.mean(), color=f'C{i}')
    axes.set_xlabel('G, the share of appearance let in')
    axes.set_ylabel('density')
    axes.legend()
    return figure
