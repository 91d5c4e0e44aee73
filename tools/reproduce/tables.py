"""The tables: their rows, and the models that these name."""

from dataclasses import dataclass
from typing import List, Optional, Tuple

STREAMS = ('appearance', 'pose')
FURTHER = ('motion',)
AVERAGE = 'score-average'  # the mean of the two streams' scores, not trained

# a model's name in files, and its title
MODELS = {
    'appearance': 'appearance-only',
    'pose': 'pose-only',
    'feature-fuse': 'feature fuse',
    'no-gating': 'without gating',
    'no-gate-loss': 'without L_gate',
    'constant-gate': 'constant gate 0.1',
    'integral': 'IntegralAction',
    'appearance-driven': 'appearance-driven',
    'both-driven': 'both-driven',
    'lambda1': 'lambda 1',
    'lambda5': 'lambda 5',
    'from-scratch': 'not pre-trained, not fixed',
    'not-fixed': 'pre-trained, not fixed',
    'pose-heatmap': 'heatmap-only',
    'pose-paf': 'PAF-only',
    'appearance-swap': 'appearance swap',
    'robust-product': 'robust product, constant G',
    'robust-product-lda': 'robust product, LDA of appearance',
    'robust-product-pose-gate': 'robust product, pose-driven G',
    'motion': 'motion-only',
    'robust-product-motion': 'robust product with motion',
    'tsm': 'TSM',
    'stgcn': 'ST-GCN',
    'posec3d': 'PoseC3D',
    'rgbpose-conv3d': 'RGBPoseConv3D',
}
# MMAction2's own
PEERS = ('tsm', 'stgcn', 'posec3d', 'rgbpose-conv3d')
# those that start from no other model's weights
ALONE = (
    *STREAMS,
    *FURTHER,
    'from-scratch',
    'pose-heatmap',
    'pose-paf',
    *PEERS,
)
# those whose streams are not frozen
UNFROZEN = (*ALONE, 'not-fixed')

# the data of the paper's tables
PAPER = dict(kinetics50=(4, 6, 7, 8, 9), kinetics400=(1,), ntu60=(1,))


@dataclass(frozen=True)
class Rows:
    """A table's title and rows, a name and the model's key each.

    ``number`` is the paper's of it; None of one that the paper does not have.
    """

    number: Optional[int]
    title: str
    rows: Tuple[Tuple[str, str], ...]

    @property
    def models(self) -> List[str]:
        """The keys of the models to train."""
        keys = []
        for _, key in self.rows:
            keys += STREAMS if key == AVERAGE else [key]
        return list(dict.fromkeys(keys))


TABLES = {
    'table1': Rows(
        1,
        'The streams and their integration (Table 1)',
        (
            ('appearance-only model', 'appearance'),
            ('pose-only model', 'pose'),
            ('IntegralAction (ours, λ = 1.5)', 'integral'),
            ('IntegralAction (ours, λ = 5.0)', 'lambda5'),
        ),
    ),
    'table4': Rows(
        4,
        'Ways to integrate the streams (Table 4)',
        (
            ('appearance-only model', 'appearance'),
            ('pose-only model', 'pose'),
            ('feature fuse', 'feature-fuse'),
            ('score average', AVERAGE),
            ('ours without gating', 'no-gating'),
            ('ours without L_gate', 'no-gate-loss'),
            ('constant gate 0.1', 'constant-gate'),
            ('IntegralAction (ours)', 'integral'),
        ),
    ),
    'table6': Rows(
        6,
        'What drives the gate (Table 6)',
        (
            ('appearance-driven', 'appearance-driven'),
            ('pose-driven (ours)', 'integral'),
            ('both-driven', 'both-driven'),
            ('constant gate 0.1', 'constant-gate'),
        ),
    ),
    'table7': Rows(
        7,
        'The weight lambda of L_gate (Table 7)',
        (
            ('0.0', 'no-gate-loss'),
            ('1.0', 'lambda1'),
            ('1.5 (ours)', 'integral'),
            ('5.0', 'lambda5'),
            ('constant gate 0.1', 'constant-gate'),
        ),
    ),
    'table8': Rows(
        8,
        'Pre-trained streams, fixed streams (Table 8)',
        (
            ('not pre-trained, not fixed', 'from-scratch'),
            ('pre-trained, not fixed', 'not-fixed'),
            ('pre-trained, fixed', 'integral'),
        ),
    ),
    'table9': Rows(
        9,
        "The pose stream's input (Table 9)",
        (
            ('heatmap-only', 'pose-heatmap'),
            ('PAF-only', 'pose-paf'),
            ('heatmap + PAF (ours)', 'pose'),
        ),
    ),
    'robust': Rows(
        None,
        'Beyond the paper',
        (
            ('appearance-only model', 'appearance'),
            ('pose-only model', 'pose'),
            ('score average', AVERAGE),
            ('feature fuse', 'feature-fuse'),
            ('without L_gate', 'no-gate-loss'),
            ('constant gate 0.1', 'constant-gate'),
            ('IntegralAction', 'integral'),
            ('IntegralAction, lambda 5', 'lambda5'),
            ('IntegralAction, appearance swap', 'appearance-swap'),
            ('robust product, constant G', 'robust-product'),
            ('robust product, pose-driven G', 'robust-product-pose-gate'),
            ('robust product, LDA of appearance', 'robust-product-lda'),
        ),
    ),
    'motion': Rows(
        None,
        'A third stream, on differences of frames',
        (
            ('appearance-only model', 'appearance'),
            ('pose-only model', 'pose'),
            ('motion-only model', 'motion'),
            ('robust product, constant G', 'robust-product'),
            ('robust product with motion', 'robust-product-motion'),
        ),
    ),
    'mixing': Rows(
        None,
        'Another appearance stream',
        (
            ('appearance-only model', 'appearance'),
            ('pose-only model', 'pose'),
            ('feature fuse', 'feature-fuse'),
            ('score average', AVERAGE),
            ('IntegralAction (ours)', 'integral'),
        ),
    ),
    'peers': Rows(
        None,
        "MMAction2's own models on the same data",
        (
            ('TSM', 'tsm'),
            ('ST-GCN', 'stgcn'),
            ('PoseC3D (SlowOnly)', 'posec3d'),
            ('RGBPoseConv3D', 'rgbpose-conv3d'),
            ('appearance-only model', 'appearance'),
            ('pose-only model', 'pose'),
            ('score average', AVERAGE),
            ('IntegralAction (ours)', 'integral'),
        ),
    ),
}
