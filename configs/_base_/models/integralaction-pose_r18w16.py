# Table 14's pose stream at a quarter of its width, for small maps
model = dict(
    type='TwoStreamRecognizer',
    data_preprocessor=dict(type='PoseMapPreprocessor', size=(14, 14)),
    backbone=dict(
        type='TwoStreamBackbone',
        pose=dict(
            type='PoseResNetTSM',
            depth=18,
            in_channels=52,
            base_channels=16,
            num_segments=8,
        ),
    ),
    # few steps: weights drawn at 0.001 would take most of them to grow
    cls_head=dict(
        type='FrameAverageHead', num_classes=12, in_channels=128, init_std=0.01
    ),
)
