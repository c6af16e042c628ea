"""HMMR (Kanazawa et al., CVPR 2019) as pure modules: features of frames in; pose, shape, camera of past, present, future out."""

from hmr_video.model.config import HMMRConfig
from hmr_video.model.hmmr import HMMR, Output, Prediction

__all__ = ["HMMR", "HMMRConfig", "Output", "Prediction"]
