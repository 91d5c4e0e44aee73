_base_ = [
    '../_base_/models/integralaction_zoo-r18-t8.py',
    '../_base_/datasets/kinetics400.py',
    '../_base_/pipelines/rgb-16x4_pose-8x8.py',
    '../_base_/schedules/sgd_fusion_kinetics400_20e.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))

zoo = dict(
    checkpoint='https://download.openmmlab.com/mmaction/v1.0/recognition/mvit/mvit-small-p244_32xb16-16x4x1-200e_kinetics400-rgb/mvit-small-p244_32xb16-16x4x1-200e_kinetics400-rgb_20230201-23284ff3.pth'
)
model = dict(
    data_preprocessor=dict(mean=(114.75,) * 3, std=(57.375,) * 3),
    backbone=dict(appearance=dict(type='MViT', arch='small', init_cfg=zoo)),
    neck=dict(appearance_channels=768),
)
