_base_ = [
    'mmaction::_base_/models/tsm_r50.py',
    '../_base_/datasets/puppets.py',
    '../_base_/pipelines/puppets_tsm.py',
    '../_base_/schedules/adamw_puppets_stream_12e.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))

model = dict(
    backbone=dict(
        type='SlimResNetTSM', depth=18, base_channels=16, pretrained=None
    ),
    cls_head=dict(num_classes=12, in_channels=128, init_std=0.01),
)
