_base_ = [
    '../_base_/models/integralaction_zoo-r18-t8.py',
    '../_base_/datasets/kinetics400.py',
    '../_base_/pipelines/rgb-32x2_pose-8x8.py',
    '../_base_/schedules/sgd_fusion_kinetics400_20e.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))

zoo = dict(
    checkpoint='https://download.openmmlab.com/mmaction/v1.0/recognition/slowfast/slowfast_r50_8xb8-4x16x1-256e_kinetics400-rgb/slowfast_r50_8xb8-4x16x1-256e_kinetics400-rgb_20220901-701b0f6f.pth'
)
model = dict(
    backbone=dict(appearance=dict(type='ResNet3dSlowFast', init_cfg=zoo)),
    neck=dict(appearance_channels=2304),
)
