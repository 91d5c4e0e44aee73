_base_ = './kinetics400.py'

dataset = dict(data_root='data/nturgbd/', layout='ntu25', num_classes=60)
train_dataloader = dict(dataset=dict(**dataset, ann_file='xsub_train.jsonl'))
val_dataloader = dict(dataset=dict(**dataset, ann_file='xsub_val.jsonl'))
test_dataloader = dict(dataset=dict(**dataset, ann_file='xsub_val.jsonl'))
