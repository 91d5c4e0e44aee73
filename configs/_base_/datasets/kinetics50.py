_base_ = './kinetics400.py'

dataset = dict(data_root='data/kinetics50/', num_classes=50)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
