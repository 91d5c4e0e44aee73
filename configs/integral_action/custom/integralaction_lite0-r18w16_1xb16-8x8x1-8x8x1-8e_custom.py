_base_ = [
    '../../_base_/models/integralaction_lite0-r18w16.py',
    '../../_base_/datasets/custom-small.py',
    '../../_base_/pipelines/rgb-8x8_pose-8x8.py',
    '../../_base_/schedules/adamw_puppets_fusion_8e.py',
    '../../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
default_hooks = dict(logger=dict(interval=5))
# the two models trained before
appearance = 'work_dirs/integralaction-appearance_lite0_1xb16-8x8x1-8e_custom/epoch_8.pth'
pose = (
    'work_dirs/integralaction-pose_r18w16_1xb16-8x8x1-60e_custom/epoch_60.pth'
)
model = dict(
    data_preprocessor=dict(layout='coco17', size=(28, 28)),
    backbone=dict(
        appearance=dict(init_cfg=dict(checkpoint=appearance)),
        pose=dict(in_channels=55, init_cfg=dict(checkpoint=pose)),
    ),
    cls_head=dict(num_classes=None),
)
