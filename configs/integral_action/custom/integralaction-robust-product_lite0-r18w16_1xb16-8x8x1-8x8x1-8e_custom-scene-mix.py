_base_ = './integralaction-robust-product_lite0-r18w16_1xb16-8x8x1-8x8x1-8e_custom.py'

# not of the paper: docs/robust.md
pipeline = _base_.train_dataloader.dataset.pipeline
mix = dict(type='SceneMix', scenes='data/custom/scenes/scenes.jsonl')
pipeline.insert(2, mix)  # behind DecodeTwoStream
train_dataloader = dict(dataset=dict(pipeline=pipeline))

appearance = 'work_dirs/integralaction-appearance_lite0_1xb16-8x8x1-8e_custom-scene-mix/epoch_8.pth'
model = dict(
    backbone=dict(appearance=dict(init_cfg=dict(checkpoint=appearance)))
)
