_base_ = '../jhmdb/integralaction_lite0-r18w16_1xb16-8x2x1-8e_jhmdb8-split1-rgb-keypoint.py'

# Table 4, feature fuse
model = dict(
    neck=dict(
        _delete_=True,
        type='ConcatFusion',
        appearance_channels=1280,
        pose_channels=128,
        channels=128,
    )
)
