# Table 14's appearance stream at a quarter of its width, for small frames
model = dict(
    type='TwoStreamRecognizer',
    data_preprocessor=dict(type='PoseMapPreprocessor', size=(14, 14)),
    backbone=dict(
        type='TwoStreamBackbone',
        appearance=dict(
            type='SlimResNetTSM', depth=18, base_channels=16, num_segments=8
        ),
    ),
    # few steps: weights drawn at 0.001 would take most of them to grow
    cls_head=dict(
        type='FrameAverageHead', num_classes=12, in_channels=128, init_std=0.01
    ),
)
