_base_ = '../integralaction_r50-r18_4xb8-8x8x1-32x2x1-20e_kinetics400-rgb-keypoint.py'

# Tables 1 to 3
model = dict(neck=dict(gate_loss_weight=5.0))
