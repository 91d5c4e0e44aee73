_base_ = './integralaction-appearance_r18w16_1xb32-8x1x1-12e_puppets.py'

# not of the paper: docs/robust.md
motion = dict(
    _base_.model.backbone.appearance, input='imgs_diff', num_segments=7
)
model = dict(backbone=dict(appearance=None, motion=motion))
