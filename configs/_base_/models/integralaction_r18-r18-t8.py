# Table 14
_base_ = './integralaction_r50-r18-t32.py'

model = dict(
    backbone=dict(appearance=dict(depth=18), pose=dict(num_segments=8)),
    neck=dict(appearance_channels=512),
)
