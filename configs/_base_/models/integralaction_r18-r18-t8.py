# Table 14
model = dict(
    type='TwoStreamRecognizer',
    data_preprocessor=dict(type='PoseMapPreprocessor'),
    backbone=dict(
        type='TwoStreamBackbone',
        frozen=('appearance', 'pose'),
        appearance=dict(
            type='ResNetTSM',
            depth=18,
            num_segments=8,
            pretrained2d=False,
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
        appearance_channels=512,
        pose_channels=512,
        channels=512,
        gate_loss_weight=1.5,
    ),
    cls_head=dict(type='FrameAverageHead', num_classes=400, in_channels=512),
    # memory: at most this many of a video's ten clips at a time
    test_cfg=dict(max_testing_views=5),
)
