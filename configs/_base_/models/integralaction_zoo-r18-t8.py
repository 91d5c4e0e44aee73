# Table 14 behind a backbone of clips that MMAction2's zoo has trained
_base_ = './integralaction_r18-r18-t8.py'

model = dict(
    backbone=dict(
        appearance=dict(
            _delete_=True,
            type='given by the config',
            input_format='NCTHW',
            init_cfg=dict(
                type='Pretrained',
                prefix='backbone.',
                checkpoint='given by the config',
            ),
        ),
        # the model trained before
        pose=dict(
            init_cfg=dict(
                checkpoint='work_dirs/integralaction-pose_r18_4xb8-8x8x1-70e_kinetics400/epoch_70.pth'
            )
        ),
    )
)
