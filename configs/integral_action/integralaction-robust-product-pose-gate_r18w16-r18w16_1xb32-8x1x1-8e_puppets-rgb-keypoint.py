_base_ = './integralaction-robust-product_r18w16-r18w16_1xb32-8x1x1-8e_puppets-rgb-keypoint.py'

model = dict(
    backbone=dict(visibility=True),
    cls_head=dict(gate_source='pose', gate_value=0.3, visibility=True),
)
