_base_ = (
    '../integralaction_r18-r18_4xb8-8x8x1-8x8x1-20e_kinetics50-rgb-keypoint.py'
)

# Table 6, appearance-driven
model = dict(neck=dict(gate_source='appearance'))
