_base_ = [
    '../_base_/models/rgbpose_conv3d.py',
    '../_base_/datasets/puppets.py',
    '../_base_/pipelines/puppets_rgbpose-conv3d.py',
    '../_base_/schedules/adamw_puppets_stream_12e.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))

model = dict(
    backbone=dict(
        speed_ratio=1,
        rgb_pathway=dict(base_channels=16),
        pose_pathway=dict(in_channels=18, base_channels=8),
    ),
    cls_head=dict(num_classes=12, in_channels=[512, 128]),
)
