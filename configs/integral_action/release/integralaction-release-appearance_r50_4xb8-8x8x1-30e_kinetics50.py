_base_ = './integralaction-release-appearance_r18_4xb8-8x8x1-30e_kinetics50.py'

model = dict(
    backbone=dict(
        appearance=dict(
            depth=50,
            pretrained='https://download.pytorch.org/models/'
            'resnet50-0676ba61.pth',
        )
    ),
    cls_head=dict(in_channels=2048),
)
