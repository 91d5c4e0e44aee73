_base_ = (
    '../integralaction_r18-r18_4xb8-8x8x1-8x8x1-20e_kinetics50-rgb-keypoint.py'
)

# Table 4, without gating
model = dict(
    neck=dict(
        _delete_=True,
        type='AddFusion',
        appearance_channels=512,
        pose_channels=512,
    )
)
