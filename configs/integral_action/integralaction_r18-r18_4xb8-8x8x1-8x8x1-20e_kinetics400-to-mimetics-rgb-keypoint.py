_base_ = [
    './integralaction_r18-r18_4xb8-8x8x1-8x8x1-20e_kinetics400-rgb-keypoint.py'
]

# Mimetics, labelled with the 400 classes of the model
test_dataloader = dict(
    dataset=dict(data_root='data/mimetics/', ann_file='kinetics400.jsonl')
)
