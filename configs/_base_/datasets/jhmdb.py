# split 1, as tools/dataset_converters/jhmdb.py writes it
dataset = dict(
    type='VideoPoseDataset',
    data_root='data/jhmdb/',
    data_prefix=dict(video='videos/', pose='poses/'),
    layout='coco17',
)
loader = dict(num_workers=2, persistent_workers=False)

train_dataloader = dict(
    **loader,
    batch_size=16,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(**dataset, ann_file='split1_train.jsonl'),
)
val_dataloader = dict(
    **loader,
    batch_size=16,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**dataset, ann_file='split1_test.jsonl', test_mode=True),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='AccMetric')
test_evaluator = val_evaluator
