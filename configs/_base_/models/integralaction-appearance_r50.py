# Table 13, the appearance stream alone
model = dict(
    type='TwoStreamRecognizer',
    data_preprocessor=dict(type='PoseMapPreprocessor'),
    backbone=dict(
        type='TwoStreamBackbone',
        appearance=dict(
            type='ResNetTSM',
            depth=50,
            num_segments=8,
            pretrained='https://download.pytorch.org/models/'
            'resnet50-0676ba61.pth',
        ),
    ),
    cls_head=dict(type='FrameAverageHead', num_classes=400, in_channels=2048),
    # memory: at most this many of a video's ten clips at a time
    test_cfg=dict(max_testing_views=5),
)
