_base_ = (
    './integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets-rgb-keypoint.py'
)

# not of the paper: docs/robust.md
model = dict(feature_transform=dict(type='AppearanceSwap', prob=0.3))
