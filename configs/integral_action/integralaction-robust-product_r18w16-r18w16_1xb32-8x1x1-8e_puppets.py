_base_ = './integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets.py'

# not of the paper: docs/robust.md
model = dict(
    neck=None,
    cls_head=dict(
        _delete_=True,
        type='RobustProductHead',
        num_classes=12,
        appearance_channels=128,
        pose_channels=128,
        gate_value=0.4,
        dropout_ratio=0.6,
        prior='train',
    ),
)
optim_wrapper = dict(optimizer=dict(lr=5e-3))
