from .feature_reuse_train_loop import FeatureReuseTrainLoop

__all__ = ['FeatureReuseTrainLoop']
