_base_ = './integralaction-robust-product_lite0-r18w16_1xb16-8x2x1-8e_jhmdb8-split1-rgb-keypoint.py'

# few videos, on which that stream was not trained
model = dict(cls_head=dict(type='RobustProductLDAHead', gate_value=0.8))
