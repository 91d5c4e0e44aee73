# section 3.5; momentum and weight decay are the authors' release's
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=1e-4),
    # At the paper's rate G stays near 0.5 over the 20,000 iterations of
    # Kinetics50 (docs/paper.md, benchmarks/gate_dynamics.py).
    paramwise_cfg=dict(custom_keys={'neck.cgb': dict(lr_mult=12.0)}),
)
param_scheduler = [
    dict(
        type='MultiStepLR',
        begin=0,
        end=20,
        by_epoch=True,
        milestones=[10, 15],
        gamma=0.1,
    )
]
train_cfg = dict(
    type='EpochBasedTrainLoop', max_epochs=20, val_begin=1, val_interval=1
)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

# 4 GPUs of 8 videos
auto_scale_lr = dict(enable=False, base_batch_size=32)
