_base_ = (
    '../integralaction_r18-r18_4xb8-8x8x1-8x8x1-20e_kinetics50-rgb-keypoint.py'
)

# no table of the paper has this row
model = dict(neck=dict(gate_source='constant', gate_value=0.1))
