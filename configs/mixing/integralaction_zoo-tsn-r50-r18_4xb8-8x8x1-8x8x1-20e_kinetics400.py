_base_ = [
    '../_base_/models/integralaction_zoo-r18-t8.py',
    '../_base_/datasets/kinetics400.py',
    '../_base_/pipelines/rgb-8x8_pose-8x8.py',
    '../_base_/schedules/sgd_fusion_kinetics400_20e.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))

zoo = dict(
    checkpoint='https://download.openmmlab.com/mmaction/v1.0/recognition/tsn/tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e_kinetics400-rgb/tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e_kinetics400-rgb_20220906-2692d16c.pth'
)
model = dict(
    backbone=dict(
        appearance=dict(
            type='ResNet', input_format='NCHW', depth=50, init_cfg=zoo
        )
    ),
    neck=dict(appearance_channels=2048),
)
