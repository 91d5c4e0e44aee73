_base_ = [
    '../_base_/models/stgcn.py',
    '../_base_/datasets/puppets.py',
    '../_base_/pipelines/puppets_stgcn.py',
    '../_base_/schedules/adamw_puppets_stream_12e.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))

model = dict(
    backbone=dict(graph_cfg=dict(layout='openpose')),
    cls_head=dict(num_classes=12),
)
