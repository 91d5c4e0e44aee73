_base_ = './adamw_puppets_fusion_8e.py'

param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=20, T_max=18)
train_cfg = dict(max_epochs=20, val_interval=10)
