# the authors' release, the pose stream alone
_base_ = './integralaction-pose_r18-t8.py'

model = dict(
    data_preprocessor=dict(half_pixel=False),
    backbone=dict(pose=dict(shift_div=4, past_first=True)),
    cls_head=dict(average_frames='score', init_std=0.01),
)
