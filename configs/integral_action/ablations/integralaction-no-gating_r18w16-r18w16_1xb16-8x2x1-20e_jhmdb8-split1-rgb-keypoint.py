_base_ = '../jhmdb/integralaction_r18w16-r18w16_1xb16-8x2x1-20e_jhmdb8-split1-rgb-keypoint.py'

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
