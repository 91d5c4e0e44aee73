_base_ = [
    '../../_base_/models/integralaction-release-pose_r18-t8.py',
    '../../_base_/datasets/kinetics50.py',
    '../../_base_/pipelines/release_pose-8x8.py',
    '../../_base_/schedules/sgd_release_30e.py',
    '../../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))

model = dict(cls_head=dict(num_classes=50))
