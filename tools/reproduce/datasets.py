"""The data sets that models are trained and tested on, and their configs."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Tuple

TEST = 'test_dataloader.dataset'


@dataclass(frozen=True)
class Data:
    """A data set to train and test on.

    Attributes:
        configs: names of config files by model; the rows change these.
        columns: the columns of the tables: a title, the result file, and,
            where a file has several, the ``context`` of the videos that count.
        changes: by row, what these data need besides the row's own changes.
        tests: for each result file, the options of the test that writes it.
        generated: whether a seed has data of its own, drawn from it.
        swap: options that test on videos in context alone, for the swap
            validation.
        splits: whether there are several: lists ``split1_train.jsonl``,
            ``split1_test.jsonl`` in ``root``.
        root: the folder of the lists.
        group: regular expression of what ``hold_out.py`` keeps together.
        sets: options of ``out_of_context.py``, where models are tested on
            sets out of context that are made of the test videos.
        pose_of: the data whose pose stream is this one's.
        scenes: options of ``out_of_context.py``, where the training videos'
            scenes are mixed (SceneMix).
    """

    configs: Dict[str, str]
    columns: Tuple[Tuple[str, str, str], ...]
    changes: Dict[str, Dict] = field(default_factory=dict)
    tests: Dict[str, List[str]] = field(default_factory=lambda: dict(test=[]))
    generated: bool = False
    swap: Tuple[str, ...] = ()
    splits: bool = False
    root: Path = Path()
    group: str = ''
    sets: Tuple[str, ...] = ()
    pose_of: str = ''
    scenes: Tuple[str, ...] = ()


def mimetics(classes: str) -> List[str]:
    """Return the options that test on Mimetics with a model's classes."""
    return [
        f'{TEST}.data_root=data/mimetics/',
        f'{TEST}.ann_file={classes}.jsonl',
    ]


def jhmdb(
    configs: Dict[str, str],
    changes: Dict[str, Dict],
    root: str,
    pose_of: str = '',
    mix: bool = False,
) -> Data:
    """Return JHMDB in a folder, with the classes that are there."""
    return Data(
        configs,
        columns=(('in context', 'test', ''),),
        changes=changes,
        splits=True,
        root=Path(root),
        group='(.+)_[a-z]+_[cn]m_np',  # clips of one source video
        sets=('--layout', 'coco17'),
        pose_of=pose_of,
        scenes=('--layout', 'coco17') if mix else (),
    )


PUPPETS = dict(
    columns=(('in context', 'test', 'in'), ('out of context', 'test', 'out')),
    generated=True,
    swap=(f'{TEST}.ann_file=in_context.jsonl',),
)
PUPPETS_POSE = 'integralaction-pose_r18w16_1xb32-8x1x1-8e_puppets'
PUPPETS_CONFIGS = {
    'appearance': 'integralaction-appearance_r18w16_1xb32-8x1x1-12e_puppets',
    'pose': PUPPETS_POSE,
    'integral': 'integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets',
    'robust-product': 'integralaction-robust-product_r18w16-r18w16_1xb32-8x1x1-8e_puppets',
    'motion': 'integralaction-motion_r18w16_1xb32-8x1x1-12e_puppets',
    'robust-product-motion': 'integralaction-robust-product-motion_r18w16-r18w16_1xb32-8x1x1-8e_puppets',
    'tsm': 'tsm_r18w16_1xb32-1x1x8-12e_puppets-rgb',
    'stgcn': 'stgcn_1xb32-joint-u8-12e_puppets-keypoint-2d',
    'posec3d': 'posec3d_slowonly-r50w16_1xb32-u8-12e_puppets-keypoint',
    'rgbpose-conv3d': 'rgbpose-conv3d_r50w16-r50w8_1xb32-u8-12e_puppets-rgb-keypoint',
}
JHMDB_POSE = 'integralaction-pose_r18w16_1xb16-8x2x1-60e_jhmdb8-split1'
JHMDB_SMALL = {
    'appearance': 'integralaction-appearance_r18w16_1xb16-8x2x1-60e_jhmdb8-split1',
    'pose': JHMDB_POSE,
    'integral': 'integralaction_r18w16-r18w16_1xb16-8x2x1-20e_jhmdb8-split1',
    'robust-product': 'integralaction-robust-product_r18w16-r18w16_1xb16-8x2x1-20e_jhmdb8-split1',
}
JHMDB_SMALL_CHANGES = {
    'robust-product-pose-gate': dict(
        model=dict(cls_head=dict(gate_value=0.5)),
        optim_wrapper=dict(optimizer=dict(lr=1e-2)),
    ),
}
JHMDB_LITE0 = {
    'appearance': 'integralaction-appearance_lite0_1xb16-8x2x1-8e_jhmdb8-split1',
    'pose': JHMDB_POSE,
    'integral': 'integralaction_lite0-r18w16_1xb16-8x2x1-8e_jhmdb8-split1',
    'robust-product': 'integralaction-robust-product_lite0-r18w16_1xb16-8x2x1-8e_jhmdb8-split1',
}
JHMDB_LITE0_CHANGES = {
    'robust-product-pose-gate': dict(
        model=dict(cls_head=dict(gate_value=0.8, gate_loss_weight=0.01)),
        optim_wrapper=dict(optimizer=dict(lr=1e-2)),
    ),
    'robust-product-lda': dict(model=dict(cls_head=dict(gate_value=0.8))),
}
DATA = {
    'puppets': Data(
        PUPPETS_CONFIGS,
        changes={
            'robust-product-pose-gate': dict(
                model=dict(cls_head=dict(gate_value=0.3))
            )
        },
        **PUPPETS,
    ),
    'puppets-mix': Data(
        PUPPETS_CONFIGS,
        pose_of='puppets',
        # stick figures, some of them small
        scenes=('--masks', 'poses', '--min-share', '0.01'),
        **PUPPETS,
    ),
    # another appearance stream
    'puppets-slowonly': Data(
        {
            'appearance': 'integralaction-appearance_slowonly-r18w16_1xb32-8x1x1-12e_puppets',
            'pose': PUPPETS_POSE,
            'integral': 'integralaction_slowonly-r18w16-r18w16_1xb32-8x1x1-8e_puppets',
        },
        pose_of='puppets',
        **PUPPETS,
    ),
    'puppets-uniformer': Data(
        {
            'appearance': 'integralaction-appearance_uniformer-xxs_1xb32-8x1x1-12e_puppets',
            'pose': PUPPETS_POSE,
            'integral': 'integralaction_uniformer-xxs-r18w16_1xb32-8x1x1-8e_puppets',
        },
        pose_of='puppets',
        **PUPPETS,
    ),
    'jhmdb': jhmdb(JHMDB_SMALL, JHMDB_SMALL_CHANGES, 'data/jhmdb'),
    'jhmdb-lite0': jhmdb(
        JHMDB_LITE0, JHMDB_LITE0_CHANGES, 'data/jhmdb', 'jhmdb'
    ),
    'jhmdb-lite0-mix': jhmdb(
        JHMDB_LITE0, JHMDB_LITE0_CHANGES, 'data/jhmdb', 'jhmdb', True
    ),
    # all 21 classes
    'jhmdb21': jhmdb(JHMDB_SMALL, JHMDB_SMALL_CHANGES, 'data/jhmdb21'),
    'jhmdb21-lite0': jhmdb(
        JHMDB_LITE0, JHMDB_LITE0_CHANGES, 'data/jhmdb21', 'jhmdb21'
    ),
    'jhmdb21-lite0-mix': jhmdb(
        JHMDB_LITE0, JHMDB_LITE0_CHANGES, 'data/jhmdb21', 'jhmdb21', True
    ),
    # section 4.3: ResNet-18 8x8 in both streams
    'kinetics50': Data(
        {
            'appearance': 'integralaction-appearance_r18_4xb8-8x8x1-40e_kinetics50',
            'pose': 'integralaction-pose_r18_4xb8-8x8x1-40e_kinetics50',
            'integral': 'integralaction_r18-r18_4xb8-8x8x1-8x8x1-20e_kinetics50',
            'robust-product': 'integralaction-robust-product_r18-r18_4xb8-8x8x1-8x8x1-20e_kinetics50',
        },
        (('Kinetics50', 'test', ''), ('Mimetics', 'mimetics', '')),
        tests=dict(test=[], mimetics=mimetics('kinetics50')),
    ),
    # section 4.2: ResNet-50 8x8, ResNet-18 32x2
    'kinetics400': Data(
        {
            'appearance': 'integralaction-appearance_r50_4xb8-8x8x1-70e_kinetics400',
            'pose': 'integralaction-pose_r18_4xb8-32x2x1-70e_kinetics400',
            'integral': 'integralaction_r50-r18_4xb8-8x8x1-32x2x1-20e_kinetics400',
        },
        (('Kinetics', 'test', ''), ('Mimetics', 'mimetics', '')),
        tests=dict(test=[], mimetics=mimetics('kinetics400')),
    ),
    'ntu60': Data(
        {
            'appearance': 'integralaction-appearance_r50_4xb8-8x8x1-40e_ntu60-xsub',
            'pose': 'integralaction-pose_r18_4xb8-32x2x1-40e_ntu60-xsub',
            'integral': 'integralaction_r50-r18_4xb8-8x8x1-32x2x1-20e_ntu60-xsub',
        },
        (('NTU-RGBD', 'test', ''),),
    ),
}
