_base_ = 'mmaction::skeleton/posec3d/rgbpose_conv3d/rgbpose_conv3d.py'
custom_imports = dict(imports=['integral_action'])

# the two pathways meet in the gate
model = dict(
    type='TwoStreamRecognizer',
    neck=dict(
        type='PoseDrivenIntegration',
        appearance_channels=2048,
        pose_channels=512,
    ),
    cls_head=dict(
        _delete_=True,
        type='FrameAverageHead',
        num_classes=60,
        in_channels=512,
    ),
)
