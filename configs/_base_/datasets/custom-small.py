# a small machine, and few videos
_base_ = './custom.py'

data = dict(num_workers=2, batch_size=16)
train_dataloader = data
val_dataloader = data
test_dataloader = data
