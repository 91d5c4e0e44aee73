_base_ = [
    '../../_base_/models/integralaction-pose_r18w16.py',
    '../../_base_/datasets/custom-small.py',
    '../../_base_/pipelines/pose-8x8.py',
    '../../_base_/schedules/adamw_jhmdb_stream_60e.py',
    '../../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
default_hooks = dict(logger=dict(interval=5))

model = dict(
    data_preprocessor=dict(layout='coco17', size=(28, 28)),
    backbone=dict(pose=dict(in_channels=55)),
    cls_head=dict(num_classes=None),
)
