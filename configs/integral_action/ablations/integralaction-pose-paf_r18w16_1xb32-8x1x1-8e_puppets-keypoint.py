_base_ = '../integralaction-pose_r18w16_1xb32-8x1x1-8e_puppets-keypoint.py'

# Table 9, PAF-only
model = dict(
    data_preprocessor=dict(heatmap=False),
    backbone=dict(pose=dict(in_channels=34)),
)
