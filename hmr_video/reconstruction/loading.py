"""The weights and bodies of a reconstruction: loaded once, used for many videos."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hmr_video.assets import SHIPPED_BODY, find_weights
from hmr_video.body import Body, load_body
from hmr_video.checkpoints import load_model
from hmr_video.device import choose_device
from hmr_video.errors import UsageError
from hmr_video.files import sha256
from hmr_video.model import HMMR
from hmr_video.options import Options

if TYPE_CHECKING:
    from hmr_video.features.resnet50 import ResNet50


@dataclass(frozen=True)
class Models:
    """What is loaded once and serves many videos.

    Attributes:
        body: whose shape the results have; learnt_body: whose shape the model learnt.
        image_encoder: of the paper's model, which reads images.
    """

    model: HMMR
    metadata: dict[str, str]
    weights_hash: str
    body: Body
    learnt_body: Body
    image_encoder: "ResNet50 | None" = None

    @property
    def device(self) -> str:
        """Where the networks run."""
        return str(next(self.model.parameters()).device)

    @classmethod
    def load(cls, options: Options) -> "Models":
        """Loads the weights and the body that the options name. Raises AssetError and UsageError."""
        path = find_weights(options.weights)
        model, metadata = load_model(path)
        read = model.config.features
        if options.features not in ("auto", read):
            raise UsageError(
                f"The weights {options.weights} read {read} features, not {options.features}.", "Leave --features out."
            )
        device = choose_device(options.people.device)
        model.to(device)
        if read == "keypoints":
            return cls(model, metadata, sha256(path), load_body(options.body), load_body(SHIPPED_BODY))
        from hmr_video.checkpoints.image_encoder import load_image_encoder

        own = load_body(str(path.resolve()))  # lies beside the weights
        body = own if options.body == SHIPPED_BODY else load_body(options.body)
        return cls(model, metadata, sha256(path), body, own, load_image_encoder(path).to(device))
