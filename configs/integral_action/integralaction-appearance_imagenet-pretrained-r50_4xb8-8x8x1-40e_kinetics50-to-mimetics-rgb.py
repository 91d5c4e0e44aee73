_base_ = [
    './integralaction-appearance_imagenet-pretrained-r50_4xb8-8x8x1-40e_kinetics50-rgb.py'
]

# Mimetics, labelled with the 50 classes of the model
test_dataloader = dict(
    dataset=dict(data_root='data/mimetics/', ann_file='kinetics50.jsonl')
)
