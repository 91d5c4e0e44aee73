_base_ = [
    '../../_base_/models/integralaction_r18w16-r18w16.py',
    '../../_base_/datasets/jhmdb.py',
    '../../_base_/pipelines/jhmdb-112_rgb-8x2_pose-8x2.py',
    '../../_base_/schedules/adamw_jhmdb_fusion_20e.py',
    '../../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))

# the two models trained before
appearance = 'work_dirs/integralaction-appearance_r18w16_1xb16-8x2x1-60e_jhmdb8-split1/epoch_60.pth'
pose = 'work_dirs/integralaction-pose_r18w16_1xb16-8x2x1-60e_jhmdb8-split1/epoch_60.pth'
model = dict(
    data_preprocessor=dict(layout='coco17', size=(28, 28)),
    backbone=dict(
        appearance=dict(init_cfg=dict(checkpoint=appearance)),
        pose=dict(in_channels=55, init_cfg=dict(checkpoint=pose)),
    ),
    cls_head=dict(num_classes=None),
)
