_base_ = '../jhmdb/integralaction_r18w16-r18w16_1xb16-8x2x1-20e_jhmdb8-split1-rgb-keypoint.py'

# Table 8, pre-trained and not fixed
model = dict(backbone=dict(frozen=()))
