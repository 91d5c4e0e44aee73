# Table 14 at a quarter of its width, for small frames
model = dict(
    type='TwoStreamRecognizer',
    data_preprocessor=dict(type='PoseMapPreprocessor', size=(14, 14)),
    backbone=dict(
        type='TwoStreamBackbone',
        frozen=('appearance', 'pose'),
        appearance=dict(
            type='SlimResNetTSM',
            depth=18,
            base_channels=16,
            num_segments=8,
            init_cfg=dict(
                type='Pretrained',
                prefix='backbone.appearance.',
                checkpoint='given by the config',
            ),
        ),
        pose=dict(
            type='PoseResNetTSM',
            depth=18,
            in_channels=52,
            base_channels=16,
            num_segments=8,
            init_cfg=dict(
                type='Pretrained',
                prefix='backbone.pose.',
                checkpoint='given by the config',
            ),
        ),
    ),
    neck=dict(
        type='PoseDrivenIntegration',
        appearance_channels=128,
        pose_channels=128,
        channels=128,
    ),
    # few steps: weights drawn at 0.001 would take most of them to grow
    cls_head=dict(
        type='FrameAverageHead', num_classes=12, in_channels=128, init_std=0.01
    ),
)
