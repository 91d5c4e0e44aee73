# Table 14's appearance stream at a quarter of its width, for small frames
_base_ = './integralaction-appearance_r18.py'

model = dict(
    data_preprocessor=dict(size=(14, 14)),
    backbone=dict(
        appearance=dict(
            type='SlimResNetTSM', base_channels=16, pretrained=None
        )
    ),
    # few steps: weights drawn at 0.001 would take most of them to grow
    cls_head=dict(num_classes=12, in_channels=128, init_std=0.01),
    test_cfg=None,
)
