_base_ = [
    '../_base_/models/integralaction-appearance_r18w16.py',
    '../_base_/datasets/puppets.py',
    '../_base_/pipelines/puppets_rgb-8x1.py',
    '../_base_/schedules/adamw_puppets_stream_12e.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
