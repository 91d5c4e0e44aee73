_base_ = './integralaction-robust-product_r18w16-r18w16_1xb16-8x2x1-20e_jhmdb8-split1-rgb-keypoint.py'

# for a stream that was not trained on these videos, as this one was: to compare
model = dict(cls_head=dict(type='RobustProductLDAHead'))
