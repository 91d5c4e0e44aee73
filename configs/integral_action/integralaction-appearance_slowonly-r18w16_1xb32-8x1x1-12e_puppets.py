_base_ = './integralaction-appearance_r18w16_1xb32-8x1x1-12e_puppets.py'

model = dict(
    backbone=dict(
        appearance=dict(
            _delete_=True,
            type='ResNet3dSlowOnly',
            input_format='NCTHW',
            depth=18,
            base_channels=16,
            pretrained=None,
        )
    )
)
