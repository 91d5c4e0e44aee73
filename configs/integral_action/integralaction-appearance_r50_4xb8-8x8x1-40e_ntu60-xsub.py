_base_ = [
    '../_base_/models/integralaction-appearance_r50.py',
    '../_base_/datasets/ntu60-xsub.py',
    '../_base_/pipelines/rgb-8x8.py',
    '../_base_/schedules/sgd_stream_40e.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))

model = dict(cls_head=dict(num_classes=60))
