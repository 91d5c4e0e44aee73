# the authors' release, the appearance stream alone
_base_ = './integralaction-appearance_r18.py'

model = dict(
    # RGB in 0..1
    data_preprocessor=dict(mean=(0.0, 0.0, 0.0), std=(255.0, 255.0, 255.0)),
    backbone=dict(
        appearance=dict(type='SlimResNetTSM', shift_div=4, past_first=True)
    ),
    cls_head=dict(average_frames='score', init_std=0.01),
)
