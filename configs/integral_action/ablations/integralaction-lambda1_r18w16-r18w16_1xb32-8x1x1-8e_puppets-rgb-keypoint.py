_base_ = (
    '../integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets-rgb-keypoint.py'
)

# Table 7
model = dict(neck=dict(gate_loss_weight=1.0))
