_base_ = [
    './integralaction-pose_imagenet-pretrained-r18_4xb8-32x2x1-70e_kinetics400-keypoint.py'
]

# Mimetics, labelled with the 400 classes of the model
test_dataloader = dict(
    dataset=dict(data_root='data/mimetics/', ann_file='kinetics400.jsonl')
)
