_base_ = [
    '../_base_/models/integralaction_r50-r18-t32.py',
    '../_base_/datasets/kinetics50.py',
    '../_base_/pipelines/rgb-8x8_pose-32x2.py',
    '../_base_/schedules/sgd_fusion_20e.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))

# the two models trained before
appearance = 'work_dirs/integralaction-appearance_r50_4xb8-8x8x1-40e_kinetics50/epoch_40.pth'
pose = (
    'work_dirs/integralaction-pose_r18_4xb8-32x2x1-40e_kinetics50/epoch_40.pth'
)
model = dict(
    backbone=dict(
        appearance=dict(init_cfg=dict(checkpoint=appearance)),
        pose=dict(init_cfg=dict(checkpoint=pose)),
    ),
    cls_head=dict(num_classes=50),
)
