_base_ = './integralaction_r18-r18_4xb8-8x8x1-8x8x1-20e_custom.py'

poses = dict(dataset=dict(layout='coco_wholebody133'))
train_dataloader = val_dataloader = test_dataloader = poses

# one map a finger and one for the face: 36 heatmaps, 2 x 35 PAF maps
layout = dict(
    _delete_=True,
    layout='coco_wholebody133',
    merge=['face-*', 'left_thumb*', 'left_forefinger*', 'left_middle*']
    + ['left_ring*', 'left_pinky*', 'right_thumb*', 'right_forefinger*']
    + ['right_middle*', 'right_ring*', 'right_pinky*'],
)
pose = 'work_dirs/integralaction-pose_r18_4xb8-8x8x1-40e_custom-wholebody/epoch_40.pth'
model = dict(
    data_preprocessor=dict(layout=layout),
    backbone=dict(
        pose=dict(in_channels=106, init_cfg=dict(checkpoint=pose)),
    ),
)
