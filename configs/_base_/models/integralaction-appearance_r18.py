# Table 14, the appearance stream alone
_base_ = './integralaction-appearance_r50.py'

model = dict(
    backbone=dict(
        appearance=dict(
            depth=18,
            pretrained='https://download.pytorch.org/models/'
            'resnet18-f37072fd.pth',
        )
    ),
    cls_head=dict(in_channels=512),
)
