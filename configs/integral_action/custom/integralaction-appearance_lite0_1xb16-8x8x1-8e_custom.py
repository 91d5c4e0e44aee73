_base_ = [
    '../../_base_/models/integralaction-appearance_lite0.py',
    '../../_base_/datasets/custom-small.py',
    '../../_base_/pipelines/rgb-8x8.py',
    '../../_base_/schedules/adamw_puppets_stream_8e.py',
    '../../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
default_hooks = dict(logger=dict(interval=5))
