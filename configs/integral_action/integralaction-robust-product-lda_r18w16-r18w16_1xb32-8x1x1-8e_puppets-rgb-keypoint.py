_base_ = './integralaction-robust-product_r18w16-r18w16_1xb32-8x1x1-8e_puppets-rgb-keypoint.py'

# for a stream that was not trained on these videos, as this one was: to compare
model = dict(cls_head=dict(type='RobustProductLDAHead'))
