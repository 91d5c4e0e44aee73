_base_ = [
    '../_base_/models/integralaction_r18w16-r18w16.py',
    '../_base_/datasets/puppets.py',
    '../_base_/pipelines/puppets_rgb-8x1_pose-8x1.py',
    '../_base_/schedules/adamw_puppets_fusion_8e.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))

# the two models trained before
appearance = 'work_dirs/integralaction-appearance_r18w16_1xb32-8x1x1-12e_puppets/epoch_12.pth'
pose = (
    'work_dirs/integralaction-pose_r18w16_1xb32-8x1x1-8e_puppets/epoch_8.pth'
)
model = dict(
    backbone=dict(
        appearance=dict(init_cfg=dict(checkpoint=appearance)),
        pose=dict(init_cfg=dict(checkpoint=pose)),
    )
)
