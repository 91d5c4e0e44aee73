# your own videos, as docs/custom_dataset.md makes them
dataset = dict(
    type='VideoPoseDataset',
    data_root='data/custom/',
    data_prefix=dict(video='videos/', pose='poses/'),
    layout='coco17',
)
loader = dict(num_workers=8, persistent_workers=False)

train_dataloader = dict(
    **loader,
    batch_size=8,
    sampler=dict(type='DefaultSampler', shuffle=True),
    # a video that cannot be read is reported, and another one taken
    dataset=dict(**dataset, ann_file='poses/train.jsonl', max_bad_samples=100),
)
val_dataloader = dict(
    **loader,
    batch_size=8,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**dataset, ann_file='poses/test.jsonl', test_mode=True),
)
test_dataloader = dict(
    **loader,
    batch_size=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**dataset, ann_file='poses/test.jsonl', test_mode=True),
)

val_evaluator = dict(type='AccMetric')
test_evaluator = val_evaluator
