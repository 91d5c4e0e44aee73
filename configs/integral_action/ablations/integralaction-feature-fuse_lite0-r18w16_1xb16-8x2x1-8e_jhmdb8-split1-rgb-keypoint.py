_base_ = '../jhmdb/integralaction_lite0-r18w16_1xb16-8x2x1-8e_jhmdb8-split1-rgb-keypoint.py'

# Table 4, feature fuse
model = dict(neck=dict(gate_source='none', fusion='concat'))
