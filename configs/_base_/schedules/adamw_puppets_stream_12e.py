_base_ = './adamw_puppets_stream_8e.py'

param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=12, T_max=10)
train_cfg = dict(max_epochs=12, val_interval=12)
