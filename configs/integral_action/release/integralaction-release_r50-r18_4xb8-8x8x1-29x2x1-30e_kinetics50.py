_base_ = './integralaction-release_r18-r18_4xb8-8x8x1-29x2x1-30e_kinetics50.py'

model = dict(
    backbone=dict(
        appearance=dict(
            depth=50,
            init_cfg=dict(
                checkpoint='work_dirs/integralaction-release-appearance_r50_4xb8-8x8x1-30e_kinetics50/epoch_30.pth'
            ),
        )
    ),
    neck=dict(appearance_channels=2048),
)
