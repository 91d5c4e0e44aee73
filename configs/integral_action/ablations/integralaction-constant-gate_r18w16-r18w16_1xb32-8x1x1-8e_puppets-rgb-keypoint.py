_base_ = (
    '../integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets-rgb-keypoint.py'
)

# no table of the paper has this row
model = dict(neck=dict(gate_source='constant', gate_value=0.1))
