_base_ = (
    '../integral_action/integralaction-pose_r18_4xb8-32x2x1-40e_kinetics50.py'
)

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
        )
    ),
    cls_head=dict(in_channels=256),
)
