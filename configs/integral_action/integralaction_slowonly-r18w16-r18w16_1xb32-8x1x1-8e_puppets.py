_base_ = './integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets.py'

model = dict(
    backbone=dict(
        appearance=dict(
            _delete_=True,
            type='ResNet3dSlowOnly',
            input_format='NCTHW',
            depth=18,
            base_channels=16,
            pretrained=None,
            init_cfg=dict(
                type='Pretrained',
                prefix='backbone.appearance.',
                checkpoint='work_dirs/integralaction-appearance_slowonly-r18w16_1xb32-8x1x1-12e_puppets/epoch_12.pth',
            ),
        )
    )
)
