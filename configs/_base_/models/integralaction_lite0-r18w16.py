# EfficientNet-Lite0, which comes with ImageNet weights, for appearance
_base_ = './integralaction_r18w16-r18w16.py'

model = dict(
    backbone=dict(
        appearance=dict(
            _delete_=True,
            type='EfficientNetLite',
            init_cfg=dict(
                type='Pretrained',
                prefix='backbone.appearance.',
                checkpoint='given by the config',
            ),
        )
    ),
    neck=dict(appearance_channels=1280),
)
