_base_ = [
    '../_base_/models/integralaction-pose_r18-t32.py',
    '../_base_/datasets/kinetics50.py',
    '../_base_/pipelines/pose-32x2.py',
    '../_base_/schedules/sgd_stream_40e.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))

model = dict(cls_head=dict(num_classes=50))
