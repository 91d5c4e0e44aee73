_base_ = './integralaction_r18w16-r18w16_1xb16-8x2x1-20e_jhmdb8-split1-rgb-keypoint.py'

# not of the paper: docs/robust.md
model = dict(feature_transform=dict(type='AppearanceSwap', prob=0.3))
