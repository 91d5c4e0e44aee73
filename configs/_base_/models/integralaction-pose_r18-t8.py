# Table 14, the pose stream alone
_base_ = './integralaction-pose_r18-t32.py'

model = dict(backbone=dict(pose=dict(num_segments=8)))
