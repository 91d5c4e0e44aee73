_base_ = './integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets.py'

model = dict(
    backbone=dict(
        appearance=dict(
            _delete_=True,
            type='UniFormer',
            input_format='NCTHW',
            depth=(1, 2, 2, 1),
            embed_dim=(16, 32, 64, 128),
            head_dim=16,
            pretrained2d=False,
            init_cfg=dict(
                type='Pretrained',
                prefix='backbone.appearance.',
                checkpoint='work_dirs/integralaction-appearance_uniformer-xxs_1xb32-8x1x1-12e_puppets/epoch_12.pth',
            ),
        )
    )
)
