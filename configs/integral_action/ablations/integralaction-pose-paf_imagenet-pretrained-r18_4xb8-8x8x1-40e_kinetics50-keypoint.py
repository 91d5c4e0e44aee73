_base_ = '../integralaction-pose_imagenet-pretrained-r18_4xb8-8x8x1-40e_kinetics50-keypoint.py'

# Table 9, PAF-only
model = dict(
    data_preprocessor=dict(heatmap=False),
    backbone=dict(pose=dict(in_channels=34)),
)
