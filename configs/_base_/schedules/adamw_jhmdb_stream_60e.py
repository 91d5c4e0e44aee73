_base_ = './adamw_puppets_stream_8e.py'

param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=60, T_max=58)
train_cfg = dict(max_epochs=60, val_interval=10)
