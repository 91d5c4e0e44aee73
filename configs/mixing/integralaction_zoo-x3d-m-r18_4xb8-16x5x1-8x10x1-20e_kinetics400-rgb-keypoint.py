_base_ = [
    '../_base_/models/integralaction_zoo-r18-t8.py',
    '../_base_/datasets/kinetics400.py',
    '../_base_/pipelines/rgb-16x5_pose-8x10.py',
    '../_base_/schedules/sgd_fusion_kinetics400_20e.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))

zoo = dict(
    checkpoint='https://download.openmmlab.com/mmaction/v1.0/recognition/x3d/facebook/x3d_m_16x5x1_facebook-kinetics400-rgb_20201027-3f42382a.pth'
)
model = dict(
    data_preprocessor=dict(mean=(114.75,) * 3, std=(57.38,) * 3),
    backbone=dict(
        appearance=dict(type='X3D', gamma_b=2.25, gamma_d=2.2, init_cfg=zoo)
    ),
    neck=dict(appearance_channels=432),
)
