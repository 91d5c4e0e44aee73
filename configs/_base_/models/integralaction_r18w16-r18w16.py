# Table 14 at a quarter of its width, for small frames
_base_ = './integralaction_r18-r18-t8.py'

model = dict(
    data_preprocessor=dict(size=(14, 14)),
    backbone=dict(
        appearance=dict(type='SlimResNetTSM', base_channels=16),
        pose=dict(base_channels=16),
    ),
    neck=dict(appearance_channels=128, pose_channels=128, channels=128),
    # few steps: weights drawn at 0.001 would take most of them to grow
    cls_head=dict(num_classes=12, in_channels=128, init_std=0.01),
    test_cfg=None,
)
