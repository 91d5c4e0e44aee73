_base_ = '../integral_action/integralaction_r50-r18_4xb8-8x8x1-32x2x1-20e_kinetics50.py'

model = dict(
    data_preprocessor=dict(type='PoseGraphPreprocessor'),
    backbone=dict(
        pose=dict(
            _delete_=True,
            type='STGCN',
            input_format='NMTVC',
            gcn_adaptive='init',
            gcn_with_res=True,
            tcn_type='mstcn',
            graph_cfg=dict(layout='openpose', mode='spatial'),
            init_cfg=dict(
                type='Pretrained',
                prefix='backbone.pose.',
                checkpoint='work_dirs/integralaction-pose_stgcnpp_4xb8-32x2x1-40e_kinetics50/epoch_40.pth',
            ),
        )
    ),
    neck=dict(pose_channels=256),
)
