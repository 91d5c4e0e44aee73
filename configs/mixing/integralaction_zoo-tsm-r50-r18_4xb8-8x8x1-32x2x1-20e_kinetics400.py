_base_ = '../integral_action/integralaction_r50-r18_4xb8-8x8x1-32x2x1-20e_kinetics400.py'

# MMAction2's TSM as it is: only the pose stream is trained before
model = dict(
    backbone=dict(
        appearance=dict(
            init_cfg=dict(
                prefix='backbone.',
                checkpoint='https://download.openmmlab.com/mmaction/v1.0/recognition/tsm/tsm_imagenet-pretrained-r50_8xb16-dense-1x1x8-50e_kinetics400-rgb/tsm_imagenet-pretrained-r50_8xb16-dense-1x1x8-50e_kinetics400-rgb_20220831-f55d3c2b.pth',
            )
        )
    )
)
