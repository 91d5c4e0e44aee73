_base_ = [
    './integralaction-pose_imagenet-pretrained-r18_4xb8-8x8x1-40e_kinetics50-keypoint.py'
]

# Mimetics, labelled with the 50 classes of the model
test_dataloader = dict(
    dataset=dict(data_root='data/mimetics/', ann_file='kinetics50.jsonl')
)
