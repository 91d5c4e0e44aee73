_base_ = [
    '../../_base_/models/integralaction-release_r18-r18-t8.py',
    '../../_base_/datasets/kinetics50.py',
    '../../_base_/pipelines/release_rgb-8x8_pose-8x8.py',
    '../../_base_/schedules/sgd_release_30e.py',
    '../../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))

optim_wrapper = dict(optimizer=dict(lr=5e-4))

# the two models trained before
appearance = 'work_dirs/integralaction-release-appearance_r18_4xb8-8x8x1-30e_kinetics50/epoch_30.pth'
pose = 'work_dirs/integralaction-release-pose_r18_4xb8-8x8x1-30e_kinetics50/epoch_30.pth'
model = dict(
    backbone=dict(
        appearance=dict(init_cfg=dict(checkpoint=appearance)),
        pose=dict(init_cfg=dict(checkpoint=pose)),
    ),
    cls_head=dict(num_classes=50),
)
