_base_ = './integralaction-appearance_lite0_1xb16-8x2x1-8e_jhmdb8-split1.py'

# not of the paper: docs/robust.md
pipeline = _base_.train_dataloader.dataset.pipeline
pipeline.insert(
    2, dict(type='SceneMix', scenes='data/jhmdb-scenes/split1/scenes.jsonl')
)
train_dataloader = dict(dataset=dict(pipeline=pipeline))
