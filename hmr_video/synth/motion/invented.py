"""Made-up motion: bodies that sit, kneel, crouch, crawl, lie, balance or do anything joints allow, moving from pose to pose."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from hmr_video.body import Body
from hmr_video.features.keypoints import MODEL_FRAME_RATE
from hmr_video.geometry.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from hmr_video.synth.augment import chance, drift, log_uniform, uniform
from hmr_video.synth.motion import contact
from hmr_video.synth.motion.poses import ARM, LEG, TRUNK, Angles, Limits, clamp, draw_within_limits, to_rotations
from hmr_video.synth.motion.postures import ARMS, POSTURES, USUAL, Hold, Posture, Ranges

KEYS = 3  # poses that a window may pass on its way; a single frame lies between two
ANYTHING = "anything"  # the posture of joints that take any angle within their limits
NAMES = (*POSTURES, ANYTHING)
_ANYTHING = Posture(0.0, Hold.FREE, arms=("along",), next=(ANYTHING,))  # whose arms are not borrowed


@dataclass(frozen=True)
class InventedConfig:
    """How made-up motion varies."""

    anything: float = 0.15  # share of windows whose joints take any angle within their limits
    change: float = 0.3  # probability that the next key pose is another posture
    seconds: tuple[float, float] = (0.35, 2.2)  # from one key pose to the next, shortest and longest
    borrow_arms: float = 0.45  # probability that arms that hold nothing up come from motion capture
    borrow_back: float = 0.3  # and that spine and head do with them
    idle: float = 0.02  # radians by which every joint wavers


_ARMS_CHAIN = (13, 14, 16, 17, 18, 19, 20, 21, 22, 23)
_BACK_CHAIN = (3, 6, 9, 12, 15)
_ARM_NAMES = tuple(ARMS)
_CLOSEST = ((20, 0.105), (21, 0.105), (18, 0.1), (19, 0.1), (22, 0.1), (23, 0.1), (4, 0.09), (5, 0.09), (7, 0.12), (8, 0.12))
_HIGHEST_SUPPORT = 0.12  # metres


def _bounds(part: Limits, ranges: Ranges) -> Tensor:
    """(A, 2) radians of the named ranges."""
    return torch.tensor([ranges.get(name, USUAL.get(name, (0.0, 0.0))) for name in part], dtype=torch.float32).deg2rad()


def _weights(names: tuple[str, ...], of: tuple[str, ...]) -> list[float]:
    return [float(names.count(name)) for name in of]


def _stance(groups: tuple[tuple[str, ...], ...]) -> Tensor:
    rows = torch.zeros(3, len(contact.POINTS))
    for row, group in zip(rows, groups, strict=False):
        row[[list(contact.POINTS).index(name) for name in group]] = 1 / len(group)
    return rows


class Inventor:
    """Draws windows of made-up motion for one body. All tables of ``postures`` as tensors, F postures (the last is anything)."""

    def __init__(self, body: Body, config: InventedConfig) -> None:
        self.body, self.config = body, config
        postures = [*POSTURES.values(), _ANYTHING]
        share = torch.tensor([posture.share for posture in POSTURES.values()])
        share *= (1 - config.anything) / share.sum()
        self._share = torch.cat([share, torch.tensor([config.anything])])
        self._trunk = torch.stack([_bounds(TRUNK, posture.ranges) for posture in postures])  # (F, 8, 2)
        legs = [(_bounds(LEG, posture.ranges), _bounds(LEG, posture.ranges | posture.right)) for posture in postures]
        self._legs = torch.stack([torch.stack(sides) for sides in legs])  # (F, 2, 7, 2)
        self._arms = torch.stack([_bounds(ARM, ranges) for ranges in ARMS.values()])  # (templates, 8, 2)
        self._arm_choice = torch.tensor([_weights(posture.arms, _ARM_NAMES) for posture in postures])
        steps = torch.tensor([_weights(posture.next, NAMES) for posture in postures])
        self._next = steps / steps.sum(1, keepdim=True)
        self._stance = torch.stack([_stance(posture.rests_on) for posture in postures])
        self._uneven = torch.tensor([posture.uneven for posture in postures])
        self._flat = torch.tensor([posture.flat for posture in postures])
        self._shins = torch.tensor([[posture.shins] * 2 for posture in postures])
        self._steps = torch.tensor([[posture.steps, False] for posture in postures])
        self._free_arms = torch.tensor([posture.borrowed for posture in postures])
        palms = [list(contact.POINTS).index(name) for name in ("left_palm", "right_palm")]
        self._on_hands = self._stance[..., palms].amax((1, 2)) > 0
        self._seated, self._balanced, self._level = (
            torch.tensor([posture.hold is hold for posture in postures]) for hold in (Hold.SEATED, Hold.BALANCED, Hold.LEVEL)
        )
        self._free_back = self._free_arms & ~self._level

    def windows(self, donors: Tensor, generator: Generator, posture: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """B windows: rotations (B, T, 24, 3, 3), the root's in the world (y up), trans (B, T, 3) above the floor y = 0, and the
        posture (B,) that each begins with, as its place in ``NAMES``.

        donors: (B, T, 24, 3, 3) motion capture to borrow arms and backs from; posture: all of them of ``NAMES[posture]``.
        """
        batch, frames = donors.shape[:2]
        keys = 2 if frames == 1 else KEYS
        kinds = self._kinds(batch, keys, generator) if posture is None else torch.full((batch, keys), posture)
        rotations = _play(self._key_rotations(kinds, generator), frames, self.config.seconds, generator)
        rotations = rotations @ axis_angle_to_matrix(self.config.idle * drift(generator, batch, frames, 24, 3))
        rotations = self._borrow(rotations, donors, kinds, generator)
        trans, joints, heights = contact.settle(rotations, self.body)
        chosen = _passing(_possible(joints) & self._supported(kinds, heights), generator)
        return rotations[chosen], trans[chosen], kinds[chosen, 0]

    def _kinds(self, batch: int, keys: int, generator: Generator) -> Tensor:
        """(B, K) which posture each key pose is."""
        kinds = [torch.multinomial(self._share, batch, replacement=True, generator=generator)]
        for _ in range(keys - 1):
            other = torch.multinomial(self._next[kinds[-1]], 1, generator=generator).squeeze(1)
            kinds.append(torch.where(chance(generator, self.config.change, batch), other, kinds[-1]))
        return torch.stack(kinds, 1)

    def _key_rotations(self, kinds: Tensor, generator: Generator) -> Tensor:
        """(B, K, 24, 3, 3) key poses, the pelvis turned as its posture holds it and facing anywhere."""
        rotations = to_rotations(clamp(self._angles(kinds, generator)))
        joints, turned = self.body.joints(rotations, torch.zeros(*kinds.shape, 10))
        points, stance = contact.contact_points(joints, turned), self._stance[kinds]
        balanced, level = self._balanced[kinds][..., None, None], self._level[kinds][..., None, None]
        turn = torch.where(balanced, contact.balance(joints, points, stance), torch.eye(3))
        turn = torch.where(level, contact.level(joints, points, stance), turn)
        drop = contact.missing_drop(joints, points, turn, stance)
        for kind, below in ((self._shins, torch.zeros_like(drop)), (self._steps, drop)):
            bent = contact.bend_knees(rotations, turned, turn, below)
            rotations[..., (4, 5), :, :] = torch.where(kind[kinds][..., None, None], bent, rotations[..., (4, 5), :, :])
        turned[..., (7, 8), :, :] = turned[..., (1, 2), :, :] @ rotations[..., (4, 5), :, :] @ rotations[..., (7, 8), :, :]
        for pair, kind, most in (((7, 8), self._flat, 0.7), ((20, 21), self._on_hands, 1.6)):
            flat = contact.flatten(rotations, turned, turn, pair, most)
            rotations[..., pair, :, :] = torch.where(kind[kinds][..., None, None, None], flat, rotations[..., pair, :, :])
        facing = uniform(generator, -torch.pi, torch.pi, len(kinds), 1) + 0.35 * torch.randn(kinds.shape, generator=generator)
        yaw = axis_angle_to_matrix(facing[..., None] * torch.tensor([0.0, 1.0, 0.0]))
        rotations[..., 0, :, :] = yaw @ turn @ rotations[..., 0, :, :]
        return rotations

    def _angles(self, kinds: Tensor, generator: Generator) -> Angles:
        batch, keys = kinds.shape
        step = log_uniform(generator, 0.05, 0.7, batch)
        trunk, legs, arms = (_wander(step, keys, generator, *shape) for shape in ((len(TRUNK),), (2, len(LEG)), (2, len(ARM))))
        depth = _wander(step, keys, generator, 2)  # of each leg
        together = depth[..., :1]
        depth = together + self._uneven[kinds][..., None] * (depth - together)
        place = legs.clone()
        for flexion in ("hip_flexion", "knee_flexion"):
            column = list(LEG).index(flexion)
            place[..., column] = (depth + 0.25 * (legs[..., column] - 0.5)).clamp(0, 1)
        drawn = Angles(
            _between(self._trunk[kinds], trunk),
            _between(self._legs[kinds], place),
            _between(self._arm_ranges(kinds, generator), arms),
        )
        hip = list(LEG).index("hip_flexion")
        drawn.legs[..., hip] += torch.where(self._seated[kinds], drawn.trunk[..., 0], 0.0)[..., None]
        anything = draw_within_limits((batch, keys), generator)
        anything.trunk[..., :2] += 0.3 * torch.randn(batch, keys, 2, generator=generator)
        free = kinds == len(POSTURES)
        return Angles(
            torch.where(free[..., None], anything.trunk, drawn.trunk),
            torch.where(free[..., None, None], anything.legs, drawn.legs),
            torch.where(free[..., None, None], anything.arms, drawn.arms),
        )

    def _arm_ranges(self, kinds: Tensor, generator: Generator) -> Tensor:
        """(B, K, 2, 8, 2): what the arms do, often the same left and right, and often the same from one key pose to the next."""
        choice = self._arm_choice[kinds]  # (B, K, templates)
        drawn = torch.multinomial(choice.flatten(0, 1), 2, replacement=True, generator=generator).unflatten(0, kinds.shape)
        same = chance(generator, 0.6, len(kinds), 1)
        left, right = drawn[..., 0], torch.where(same, drawn[..., 0], drawn[..., 1])
        keeps = chance(generator, 0.6, len(kinds), 1) & (kinds == kinds[:, :1])
        left, right = torch.where(keeps, left[:, :1], left), torch.where(keeps, right[:, :1], right)
        return self._arms[torch.stack([left, right], -1)]

    def _borrow(self, rotations: Tensor, donors: Tensor, kinds: Tensor, generator: Generator) -> Tensor:
        arms = chance(generator, self.config.borrow_arms, len(kinds)) & self._free_arms[kinds].all(1)
        back = arms & chance(generator, self.config.borrow_back, len(kinds)) & self._free_back[kinds].all(1)
        borrowed = torch.zeros(len(kinds), 24, dtype=torch.bool)
        borrowed[:, _ARMS_CHAIN], borrowed[:, _BACK_CHAIN] = arms[:, None], back[:, None]
        return torch.where(borrowed[:, None, :, None, None], donors, rotations)

    def _supported(self, kinds: Tensor, heights: Tensor) -> Tensor:
        """(B,) whether windows of one posture stay on what should bear it: no hand or foot lifts the body off it."""
        steady = (kinds == kinds[:, :1]).all(1)
        stance = contact.middle_of(self._stance[kinds[:, 0]])  # (B, P)
        lifted = (stance[:, None] * heights).sum(-1).amax(1)
        return ~steady | (lifted < _HIGHEST_SUPPORT)


def _wander(step: Tensor, keys: int, generator: Generator, *shape: int) -> Tensor:
    """(B, K, *shape) numbers in 0..1, each key's some ``step`` (B,) from the one before."""
    first = torch.rand(len(step), 1, *shape, generator=generator)
    steps = torch.randn(len(step), keys - 1, *shape, generator=generator) * step.view(-1, 1, *[1] * len(shape))
    places = torch.cat([first, first + steps.cumsum(1)], 1).remainder(2)
    return torch.minimum(places, 2 - places)  # reflected at 0 and 1


def _between(bounds: Tensor, place: Tensor) -> Tensor:
    return torch.lerp(bounds[..., 0], bounds[..., 1], place)


def _play(keys: Tensor, frames: int, seconds: tuple[float, float], generator: Generator) -> Tensor:
    """Key poses (B, K, 24, 3, 3) -> (B, T, 24, 3, 3): a stretch of the way along them, at rest in each (minimum jerk between)."""
    batch, count = keys.shape[:2]
    lasting = MODEL_FRAME_RATE * log_uniform(generator, *seconds, batch, count - 1)
    ends = lasting.cumsum(1)
    first = (ends[:, -1] - frames) * torch.rand(batch, generator=generator)  # before the first key where the way is too short
    time = (first[:, None] + torch.arange(frames)).clamp_min(0)
    segment = (time[..., None] >= ends[:, None, :-1]).sum(-1)  # (B, T)
    since = time - torch.cat([torch.zeros(batch, 1), ends[:, :-1]], 1).gather(1, segment)
    part = (since / lasting.gather(1, segment)).clamp(0, 1)
    part = part**3 * (10 - 15 * part + 6 * part**2)
    start = keys[:, :-1]
    way = matrix_to_axis_angle(start.transpose(-1, -2) @ keys[:, 1:])  # (B, K - 1, 24, 3)
    rows = torch.arange(batch)[:, None]
    return start[rows, segment] @ axis_angle_to_matrix(way[rows, segment] * part[..., None, None])


def _possible(joints: Tensor) -> Tensor:
    """(B,) whether no arm, knee or ankle passes through trunk, head or the other leg, for joints (B, T, 24, 3)."""
    fine = torch.ones(len(joints), dtype=torch.bool)
    for joint, radius in _CLOSEST:
        fine &= (_distance(joints[..., joint, :], joints[..., 0, :], joints[..., 12, :]) > radius).all(1)
    for joint in (18, 19, 20, 21):
        fine &= ((joints[..., joint, :] - joints[..., 15, :]).norm(dim=-1) > 0.1).all(1)
    for hip, knee, ankle, other_knee, other_ankle in ((1, 4, 7, 5, 8), (2, 5, 8, 4, 7)):
        for hand in (20, 21, 22, 23):
            fine &= (_distance(joints[..., hand, :], joints[..., hip, :], joints[..., knee, :]) > 0.06).all(1)
        fine &= (_distance(joints[..., ankle, :], joints[..., other_knee, :], joints[..., other_ankle, :]) > 0.05).all(1)
        fine &= (_distance(joints[..., ankle, :], joints[..., 3 - hip, :], joints[..., other_knee, :]) > 0.07).all(1)
    return fine & ((joints[..., 4, :] - joints[..., 5, :]).norm(dim=-1) > 0.08).all(1)


def _distance(points: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Of points (..., 3) from segments."""
    along = end - start
    place = (((points - start) * along).sum(-1) / along.square().sum(-1)).clamp(0, 1)
    return (points - start - place[..., None] * along).norm(dim=-1)


def _passing(fine: Tensor, generator: Generator) -> Tensor:
    """(B,) indices of windows: each its own where it is fine, else a fine one; its own where none is."""
    own = torch.arange(len(fine))
    if not fine.any():
        return own
    others = torch.multinomial(fine.float(), len(fine), replacement=True, generator=generator)
    return torch.where(fine, own, others)
