# section 3.5; momentum and weight decay are the authors' release's
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=1e-2, momentum=0.9, weight_decay=1e-4)
)
param_scheduler = [
    dict(
        type='MultiStepLR',
        begin=0,
        end=70,
        by_epoch=True,
        milestones=[30, 60],
        gamma=0.1,
    )
]
train_cfg = dict(
    type='EpochBasedTrainLoop', max_epochs=70, val_begin=1, val_interval=1
)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

# 4 GPUs of 8 videos
auto_scale_lr = dict(enable=False, base_batch_size=32)
