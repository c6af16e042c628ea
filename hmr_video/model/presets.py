"""The two models: the published one, and the one that ships."""

from hmr_video.model.config import HMMRConfig


def hmmr_paper() -> HMMRConfig:
    """The published model: ResNet features of 2048, axis-angle, 85-D theta."""
    return HMMRConfig(
        feature_size=2048,
        width=2048,
        project_features=False,
        groups=32,
        norm_over_time=True,
        rotation="axis_angle",
        dropout=0.5,
        keypoints=25,
        features="resnet50",
    )


def hmr_video_default(feature_size: int = 54, width: int = 512, blocks: int = 3, keypoints: int = 17) -> HMMRConfig:
    """The shipped model: features of ``keypoints``, rotations in 6D, statistics of each frame by itself (so windows do not
    matter)."""
    return HMMRConfig(
        feature_size=feature_size,
        width=width,
        project_features=True,
        groups=1,
        norm_over_time=False,
        rotation="six_d",
        dropout=0.0,
        delta_hidden=512,
        keypoints=keypoints,
        blocks=blocks,
    )
