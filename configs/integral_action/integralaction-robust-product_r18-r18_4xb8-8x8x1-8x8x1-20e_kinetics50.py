_base_ = './integralaction_r18-r18_4xb8-8x8x1-8x8x1-20e_kinetics50.py'

# not of the paper: docs/robust.md
model = dict(
    neck=None,
    cls_head=dict(
        _delete_=True,
        type='RobustProductHead',
        num_classes=50,
        appearance_channels=512,
        pose_channels=512,
        prior='train',
    ),
)
optim_wrapper = dict(
    _delete_=True,
    optimizer=dict(type='AdamW', lr=5e-3, weight_decay=0.05),
)
