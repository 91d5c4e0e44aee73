# tools/dataset_converters/puppets.py data/puppets
dataset = dict(
    type='VideoPoseDataset',
    data_root='data/puppets/',
    data_prefix=dict(video='videos/', pose='poses/'),
    layout='openpose18',
    num_classes=12,
)
# small frames, and a demo that trains two models at a time on two cores
loader = dict(batch_size=32, num_workers=0)

train_dataloader = dict(
    **loader,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(**dataset, ann_file='train.jsonl'),
)
val_dataloader = dict(
    **loader,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**dataset, ann_file='in_context.jsonl', test_mode=True),
)
# in context and out of context, told apart by the metric
test_dataloader = dict(
    **loader,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**dataset, ann_file='test.jsonl', test_mode=True),
)

# docs/robust.md
val_evaluator = [dict(type='AccMetric'), dict(type='SwapAccuracy')]
test_evaluator = dict(type='GroupedAccMetric', group_key='context')
