_base_ = '../jhmdb/integralaction-pose_r18w16_1xb16-8x2x1-60e_jhmdb8-split1-keypoint.py'

# Table 9, PAF-only
model = dict(
    data_preprocessor=dict(heatmap=False),
    backbone=dict(pose=dict(in_channels=38)),
)
