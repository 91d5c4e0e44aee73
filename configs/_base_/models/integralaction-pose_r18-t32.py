# Table 13, the pose stream alone
model = dict(
    type='TwoStreamRecognizer',
    data_preprocessor=dict(type='PoseMapPreprocessor'),
    backbone=dict(
        type='TwoStreamBackbone',
        pose=dict(
            type='PoseResNetTSM',
            depth=18,
            in_channels=52,
            num_segments=32,
            pretrained='https://download.pytorch.org/models/'
            'resnet18-f37072fd.pth',
        ),
    ),
    cls_head=dict(type='FrameAverageHead', num_classes=400, in_channels=512),
    # memory: at most this many of a video's ten clips at a time
    test_cfg=dict(max_testing_views=5),
)
