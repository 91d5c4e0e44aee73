_base_ = './integralaction-appearance_r18w16_1xb32-8x1x1-12e_puppets.py'

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
        )
    )
)
