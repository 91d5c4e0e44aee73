_base_ = (
    '../integralaction_r18w16-r18w16_1xb32-8x1x1-8e_puppets-rgb-keypoint.py'
)

# Table 8, not pre-trained and not fixed
model = dict(
    backbone=dict(
        frozen=(), appearance=dict(init_cfg=None), pose=dict(init_cfg=None)
    )
)
# as long as the appearance stream's
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=12, T_max=10)
train_cfg = dict(max_epochs=12, val_interval=12)
