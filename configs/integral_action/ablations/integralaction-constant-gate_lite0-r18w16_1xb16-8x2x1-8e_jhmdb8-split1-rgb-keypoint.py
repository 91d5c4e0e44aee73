_base_ = '../jhmdb/integralaction_lite0-r18w16_1xb16-8x2x1-8e_jhmdb8-split1-rgb-keypoint.py'

# no table of the paper has this row
model = dict(neck=dict(gate_source='constant', gate_value=0.1))
