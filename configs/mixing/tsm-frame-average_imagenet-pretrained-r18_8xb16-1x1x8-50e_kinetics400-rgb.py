_base_ = 'mmaction::recognition/tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb.py'
custom_imports = dict(imports=['integral_action'])

model = dict(
    backbone=dict(
        type='SlimResNetTSM',
        depth=18,
        pretrained='https://download.pytorch.org/models/resnet18-f37072fd.pth',
    ),
    cls_head=dict(
        _delete_=True,
        type='FrameAverageHead',
        num_classes=400,
        in_channels=512,
    ),
)
