_base_ = './integralaction_uniformer-xxs-r18w16_1xb32-8x1x1-8e_puppets-rgb-keypoint.py'

# Table 4, feature fuse
model = dict(
    neck=dict(
        _delete_=True,
        type='ConcatFusion',
        appearance_channels=128,
        pose_channels=128,
        channels=128,
    )
)
