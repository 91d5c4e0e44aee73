_base_ = (
    '../integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets-rgb-keypoint.py'
)

# Table 4, without gating
model = dict(
    neck=dict(
        _delete_=True,
        type='AddFusion',
        appearance_channels=128,
        pose_channels=128,
        channels=128,
    )
)
