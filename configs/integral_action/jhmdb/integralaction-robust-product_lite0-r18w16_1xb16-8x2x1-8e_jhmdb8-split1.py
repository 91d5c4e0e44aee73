_base_ = './integralaction_lite0-r18w16_1xb16-8x2x1-8e_jhmdb8-split1.py'

# not of the paper: docs/robust.md
model = dict(
    neck=None,
    cls_head=dict(
        _delete_=True,
        type='RobustProductHead',
        num_classes=None,
        appearance_channels=1280,
        pose_channels=128,
        gate_value=0.9,
        prior='train',
    ),
)
optim_wrapper = dict(optimizer=dict(lr=5e-3))
