# Table 14's pose stream at a quarter of its width, for small maps
_base_ = './integralaction-pose_r18-t8.py'

model = dict(
    data_preprocessor=dict(size=(14, 14)),
    backbone=dict(pose=dict(base_channels=16, pretrained=None)),
    # few steps: weights drawn at 0.001 would take most of them to grow
    cls_head=dict(num_classes=12, in_channels=128, init_std=0.01),
    test_cfg=None,
)
