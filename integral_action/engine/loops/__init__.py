from .feature_reuse_test_loop import FeatureReuseTestLoop
from .feature_reuse_train_loop import FeatureReuseTrainLoop

__all__ = ['FeatureReuseTestLoop', 'FeatureReuseTrainLoop']
