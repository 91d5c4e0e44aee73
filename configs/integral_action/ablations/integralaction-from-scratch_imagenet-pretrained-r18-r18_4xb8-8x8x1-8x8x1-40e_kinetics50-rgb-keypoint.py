_base_ = (
    '../integralaction_r18-r18_4xb8-8x8x1-8x8x1-20e_kinetics50-rgb-keypoint.py'
)

# Table 8, not pre-trained and not fixed: ImageNet's weights alone
weights = 'https://download.pytorch.org/models/resnet18-f37072fd.pth'
model = dict(
    backbone=dict(
        frozen=(),
        appearance=dict(init_cfg=None, pretrained=weights, pretrained2d=True),
        pose=dict(init_cfg=None, pretrained=weights),
    )
)
# the streams' schedule: twice as long and ten times as fast, the gate as before
optim_wrapper = dict(
    optimizer=dict(lr=1e-2),
    paramwise_cfg=dict(custom_keys={'neck.cgb': dict(lr_mult=0.6)}),
)
param_scheduler = _base_.param_scheduler
param_scheduler[0].update(end=40, milestones=[20, 30])
train_cfg = dict(max_epochs=40)
