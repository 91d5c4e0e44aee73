_base_ = (
    './integralaction-robust-product_r18w16-r18w16_1xb32-8x1x1-8e_puppets.py'
)

# the third model trained before
motion = 'work_dirs/integralaction-motion_r18w16_1xb32-8x1x1-12e_puppets/epoch_12.pth'
model = dict(
    backbone=dict(
        motion=dict(
            _base_.model.backbone.appearance,
            input='imgs_diff',
            num_segments=7,
            init_cfg=dict(
                type='Pretrained',
                prefix='backbone.motion.',
                checkpoint=motion,
            ),
        ),
        frozen=('appearance', 'pose', 'motion'),
    ),
    cls_head=dict(further=dict(motion=dict(channels=128, gate_value=0.9))),
)
