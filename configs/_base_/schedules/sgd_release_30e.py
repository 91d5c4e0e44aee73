# as in the authors' release; momentum and weight decay are its as elsewhere
_base_ = './sgd_stream_40e.py'

optim_wrapper = dict(optimizer=dict(lr=5e-3))
param_scheduler = [
    dict(
        type='MultiStepLR',
        begin=0,
        end=30,
        by_epoch=True,
        milestones=[21, 26],
        gamma=0.1,
    )
]
train_cfg = dict(max_epochs=30)
