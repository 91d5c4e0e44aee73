_base_ = '../jhmdb/integralaction_r18w16-r18w16_1xb16-8x2x1-20e_jhmdb8-split1-rgb-keypoint.py'

# Table 8, not pre-trained and not fixed
model = dict(
    backbone=dict(
        frozen=(), appearance=dict(init_cfg=None), pose=dict(init_cfg=None)
    )
)
# as long as the streams'
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=60, T_max=58)
train_cfg = dict(max_epochs=60)
