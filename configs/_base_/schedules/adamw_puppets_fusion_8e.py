_base_ = './adamw_puppets_stream_8e.py'

# a gate that learns as slowly as the rest stays half open
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'neck.cgb': dict(lr_mult=12.0)})
)
