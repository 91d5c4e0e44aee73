_base_ = './sgd_fusion_20e.py'

# seven times the iterations of Kinetics50
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'neck.cgb': dict(lr_mult=1.6)})
)
