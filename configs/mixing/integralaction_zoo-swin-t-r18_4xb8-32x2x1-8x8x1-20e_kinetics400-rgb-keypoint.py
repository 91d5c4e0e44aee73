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
    checkpoint='https://download.openmmlab.com/mmaction/v1.0/recognition/swin/swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb/swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb_20220930-241016b2.pth'
)
model = dict(
    backbone=dict(
        appearance=dict(type='SwinTransformer3D', arch='tiny', init_cfg=zoo)
    ),
    neck=dict(appearance_channels=768),
)
