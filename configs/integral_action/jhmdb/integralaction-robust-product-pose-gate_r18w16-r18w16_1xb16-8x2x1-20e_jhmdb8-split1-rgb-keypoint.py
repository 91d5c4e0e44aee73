_base_ = './integralaction-robust-product_r18w16-r18w16_1xb16-8x2x1-20e_jhmdb8-split1-rgb-keypoint.py'

model = dict(
    backbone=dict(visibility=True),
    cls_head=dict(gate_source='pose', gate_value=0.5, visibility=True),
)
optim_wrapper = dict(optimizer=dict(lr=1e-2))
