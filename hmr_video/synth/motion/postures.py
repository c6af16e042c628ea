"""The postures that motion capture lacks, as ranges of joint angles in degrees, and what holds each of them up.

A leg's flexions go from the first to the second number of their ranges together (a deep knee goes with a deep hip); all other
angles lie anywhere in theirs. What is not named has the small ranges of ``USUAL``. ``right`` is for postures that are not the
same on both sides; training mirrors half of what it sees.
"""

from dataclasses import dataclass, field
from enum import Enum

Range = tuple[float, float]
Ranges = dict[str, Range]

USUAL: Ranges = {
    "pitch": (-4, 6), "roll": (-4, 4), "spine_flexion": (-8, 22), "spine_side": (-10, 10), "spine_twist": (-15, 15),
    "neck_flexion": (-20, 35), "neck_side": (-12, 12), "neck_twist": (-40, 40),
    "hip_flexion": (-3, 8), "hip_abduction": (0, 12), "hip_rotation": (0, 18), "knee_flexion": (0, 10),
    "ankle_dorsal": (-8, 12), "ankle_inversion": (-5, 8), "toes_dorsal": (0, 8),
    "pronation": (-40, 60), "wrist_dorsal": (-25, 30), "wrist_ulnar": (-10, 15), "shrug": (-4, 8),
}  # fmt: skip

ARMS: dict[str, Ranges] = {
    "hanging": {"plane": (-20, 50), "elevation": (4, 28), "rotation": (-25, 15), "elbow_flexion": (0, 45)},
    "lap": {"plane": (45, 95), "elevation": (12, 50), "rotation": (-35, 5), "elbow_flexion": (20, 90)},
    "face": {"plane": (35, 95), "elevation": (20, 75), "rotation": (-20, 30), "elbow_flexion": (100, 145)},
    "crossed": {"plane": (60, 105), "elevation": (25, 55), "rotation": (-45, -15), "elbow_flexion": (75, 115)},
    "folded": {"plane": (86, 100), "elevation": (20, 52), "rotation": (-62, -40), "elbow_flexion": (84, 104)},
    "behind the back": {"plane": (-88, -75), "elevation": (30, 52), "rotation": (-94, -80), "elbow_flexion": (35, 75)},
    "akimbo": {"plane": (-35, 10), "elevation": (28, 50), "rotation": (-60, -30), "elbow_flexion": (70, 105)},
    "reaching": {"plane": (50, 110), "elevation": (50, 125), "rotation": (-10, 70), "elbow_flexion": (0, 70)},
    "raised": {"plane": (10, 100), "elevation": (115, 172), "rotation": (0, 70), "elbow_flexion": (0, 90)},
    "aside": {"plane": (-15, 35), "elevation": (50, 110), "rotation": (-30, 85), "elbow_flexion": (0, 95)},
    "behind head": {"plane": (0, 40), "elevation": (95, 130), "rotation": (60, 90), "elbow_flexion": (115, 145)},
    "guard": {"plane": (40, 90), "elevation": (20, 60), "rotation": (-10, 40), "elbow_flexion": (100, 140)},
    "propped behind": {
        "plane": (-85, -40), "elevation": (25, 55), "rotation": (0, 50), "elbow_flexion": (0, 20), "wrist_dorsal": (45, 70)
    },
    "on hands": {
        "plane": (72, 100), "elevation": (68, 105), "rotation": (20, 65), "elbow_flexion": (0, 22), "wrist_dorsal": (55, 70)
    },
    "on forearms": {"plane": (75, 100), "elevation": (75, 100), "rotation": (55, 88), "elbow_flexion": (75, 105)},
    "pressed up": {
        "plane": (5, 60), "elevation": (30, 80), "rotation": (-15, 20), "elbow_flexion": (35, 110), "wrist_dorsal": (50, 70)
    },
    "overhead support": {
        "plane": (40, 100), "elevation": (155, 175), "rotation": (0, 40), "elbow_flexion": (0, 15), "wrist_dorsal": (50, 70)
    },
    "pillow": {"plane": (5, 30), "elevation": (80, 165), "rotation": (0, 85), "elbow_flexion": (20, 140)},
    "spread out": {"plane": (-8, 8), "elevation": (80, 165), "rotation": (55, 88), "elbow_flexion": (10, 140)},
    "along": {"plane": (-8, 8), "elevation": (8, 55), "rotation": (-30, 60), "elbow_flexion": (0, 30)},
    "before the face": {"plane": (72, 110), "elevation": (60, 140), "rotation": (0, 60), "elbow_flexion": (30, 140)},
}  # fmt: skip
FREE_ARMS = (
    "hanging", "lap", "face", "crossed", "folded", "folded", "behind the back", "akimbo", "reaching", "raised", "aside",
    "behind head", "guard",
)  # fmt: skip
_LOW_ARMS = ("lap", "lap", "lap", "face", "crossed", "folded", "reaching", "hanging", "aside", "guard")


class Hold(Enum):
    """FREE: the pelvis turned as drawn. SEATED: so too, the hips' flexion counted from the level. BALANCED: pelvis pitched and
    rolled until the centre of mass is above what the body stands on. LEVEL: until what it rests on lies on one plane."""

    FREE = "free"
    SEATED = "seated"
    BALANCED = "balanced"
    LEVEL = "level"


@dataclass(frozen=True)
class Posture:
    """One way to hold oneself."""

    share: float  # how often it is drawn, against the others
    hold: Hold  # what places the pelvis
    rests_on: tuple[tuple[str, ...], ...] = ()  # up to three groups of ``contact.POINTS``, each taken at its middle
    ranges: Ranges = field(default_factory=dict)  # degrees by angle
    right: Ranges = field(default_factory=dict)  # those of the right leg that differ
    arms: tuple[str, ...] = FREE_ARMS  # names of ``ARMS``
    next: tuple[str, ...] = ()  # postures that people go to from here
    uneven: float = 0.4  # how far the two legs may differ, 0 to 1
    flat: bool = False  # whether the feet turn flat onto the floor
    shins: bool = False  # whether the shins lie down on it
    steps: bool = False  # whether the left foot stands on it

    @property
    def borrowed(self) -> bool:
        """Whether the arms may come from motion capture: they hold nothing up, and are not what the posture is about."""
        return set(self.arms) <= set(FREE_ARMS) and not set(self.arms) <= {"folded", "behind the back"}


_FEET = (("left_heel", "left_ball"), ("right_heel", "right_ball"))
_HANDS = ("left_palm", "right_palm")
_BACK, _SEAT = ("left_back", "right_back"), ("left_seat", "right_seat")

POSTURES: dict[str, Posture] = {
    "standing": Posture(
        1.0, Hold.BALANCED, _FEET, {"hip_flexion": (-3, 35), "knee_flexion": (0, 55), "hip_abduction": (0, 22)}, uneven=0.3,
        flat=True, next=(
            "seated", "squatting", "bent over", "kneeling", "stepping", "half-kneeling", "kicking", "straddling", "lunging",
        ),
    ),
    "stepping": Posture(
        1.0, Hold.BALANCED, _FEET,
        {"hip_flexion": (5, 85), "knee_flexion": (5, 95), "spine_flexion": (-5, 30), "toes_dorsal": (0, 10)},
        right={"hip_flexion": (15, -28), "knee_flexion": (0, 60), "ankle_dorsal": (-20, 20), "toes_dorsal": (0, 45)},
        flat=True, next=("standing", "half-kneeling", "squatting"),
    ),
    "arms folded or behind": Posture(
        0.8, Hold.BALANCED, _FEET, {"hip_flexion": (-3, 20), "knee_flexion": (0, 25), "hip_abduction": (0, 25)},
        arms=("folded", "folded", "behind the back"), uneven=0.3, flat=True, next=("standing", "stepping"),
    ),
    "straddling": Posture(
        1.5, Hold.BALANCED, _FEET,
        {
            "hip_flexion": (-5, 75), "knee_flexion": (0, 95), "hip_abduction": (26, 45), "hip_rotation": (0, 45),
            "spine_flexion": (-8, 40), "spine_twist": (-30, 30),
        },
        uneven=0.3, flat=True, next=("standing", "squatting", "lunging aside", "bent over"),
    ),
    "lunging": Posture(
        1.3, Hold.BALANCED, _FEET,
        {
            "hip_flexion": (55, 110), "knee_flexion": (50, 110), "hip_abduction": (-5, 20), "spine_flexion": (-15, 35),
            "spine_twist": (-30, 30), "toes_dorsal": (0, 10),
        },
        right={
            "hip_flexion": (5, -30), "knee_flexion": (0, 65), "ankle_dorsal": (-25, 20), "toes_dorsal": (0, 55),
            "hip_rotation": (0, 40),
        },
        flat=True, next=("standing", "stepping", "half-kneeling"),
    ),
    "lunging aside": Posture(
        1.0, Hold.BALANCED, _FEET,
        {
            "hip_flexion": (35, 105), "knee_flexion": (45, 130), "hip_abduction": (15, 42), "hip_rotation": (10, 45),
            "spine_flexion": (0, 45), "spine_side": (-15, 15),
        },
        right={"hip_flexion": (0, 50), "knee_flexion": (0, 12), "hip_abduction": (30, 45), "hip_rotation": (-5, 30)},
        flat=True, next=("straddling", "standing", "squatting"),
    ),
    "bent over": Posture(
        1.2, Hold.BALANCED, _FEET,
        {"hip_flexion": (35, 110), "knee_flexion": (0, 55), "spine_flexion": (5, 65), "hip_abduction": (0, 25)},
        arms=("hanging", "reaching", "reaching", "lap", "aside"), uneven=0.15, flat=True, next=("standing", "squatting"),
    ),
    "squatting": Posture(
        2.2, Hold.BALANCED, _FEET,
        {
            "hip_flexion": (50, 122), "knee_flexion": (60, 150), "hip_abduction": (3, 35), "hip_rotation": (0, 40),
            "spine_flexion": (0, 50),
        },
        arms=_LOW_ARMS, uneven=0.2, flat=True, next=("standing", "half-kneeling", "on all fours", "seated"),
    ),
    "kicking": Posture(
        1.2, Hold.BALANCED, (("right_heel", "right_ball"),),
        {
            "hip_flexion": (20, 120), "knee_flexion": (0, 130), "hip_abduction": (-5, 45), "hip_rotation": (-20, 45),
            "ankle_dorsal": (-45, 15), "spine_flexion": (-20, 30), "spine_side": (-20, 20), "spine_twist": (-30, 30),
        },
        right={"hip_flexion": (-15, 40), "knee_flexion": (0, 55), "ankle_dorsal": (-15, 20), "hip_abduction": (0, 20)},
        arms=("guard", "guard", "aside", "hanging", "raised", "reaching"), uneven=1.0, flat=True, next=("standing", "stepping"),
    ),
    "seated": Posture(
        3.0, Hold.SEATED, (),
        {
            "pitch": (-28, 35), "hip_flexion": (72, 100), "knee_flexion": (35, 115), "hip_abduction": (0, 28),
            "hip_rotation": (-10, 25), "spine_flexion": (-5, 45),
        },
        arms=(*_LOW_ARMS, "behind head", "raised"), flat=True, next=("standing", "standing", "seated, legs crossed", "squatting"),
    ),
    "seated, legs crossed": Posture(
        1.0, Hold.SEATED, (),
        {
            "pitch": (-25, 12), "hip_flexion": (95, 112), "knee_flexion": (75, 110), "hip_abduction": (-22, 25),
            "hip_rotation": (0, 55), "spine_flexion": (0, 40), "ankle_dorsal": (-25, 5),
        },
        right={"hip_flexion": (80, 92), "knee_flexion": (70, 100), "hip_abduction": (-2, 10), "hip_rotation": (-5, 10)},
        arms=_LOW_ARMS, next=("seated",),
    ),
    "seated astride": Posture(
        0.8, Hold.SEATED, (),
        {
            "pitch": (-15, 35), "hip_flexion": (50, 95), "knee_flexion": (40, 120), "hip_abduction": (24, 45),
            "hip_rotation": (0, 40), "spine_flexion": (-5, 45),
        },
        arms=(*_LOW_ARMS, "raised"), uneven=0.2, next=("seated", "straddling"),
    ),
    "on the floor, legs spread": Posture(
        0.8, Hold.SEATED, (),
        {
            "pitch": (-25, 25), "hip_flexion": (85, 125), "knee_flexion": (0, 60), "hip_abduction": (26, 45),
            "hip_rotation": (0, 40), "spine_flexion": (5, 55), "ankle_dorsal": (-40, 5),
        },
        arms=(*_LOW_ARMS, "propped behind"), uneven=0.3, next=("on the floor, legs out", "on the floor, cross-legged"),
    ),
    "on the floor, legs out": Posture(
        1.2, Hold.SEATED, (),
        {
            "pitch": (-35, 15), "hip_flexion": (88, 130), "knee_flexion": (0, 105), "hip_abduction": (0, 35),
            "spine_flexion": (5, 50), "ankle_dorsal": (-30, 5),
        },
        arms=(*_LOW_ARMS, "propped behind", "propped behind", "propped behind"), uneven=0.8,
        next=("on the floor, cross-legged", "on the back", "squatting", "on the floor, legs aside"),
    ),
    "on the floor, cross-legged": Posture(
        1.2, Hold.LEVEL, (_SEAT, ("left_ankle",), ("right_ankle",)),
        {
            "hip_flexion": (88, 112), "knee_flexion": (100, 135), "hip_abduction": (32, 45), "hip_rotation": (35, 58),
            "spine_flexion": (5, 45), "ankle_dorsal": (-35, -5), "ankle_inversion": (0, 25),
        },
        arms=_LOW_ARMS, uneven=0.3, next=("on the floor, legs out", "kneeling"),
    ),
    "on the floor, legs aside": Posture(
        0.8, Hold.LEVEL, (_SEAT, ("left_ankle",), ("right_ankle",)),
        {
            "hip_flexion": (80, 100), "knee_flexion": (95, 130), "hip_abduction": (30, 45), "hip_rotation": (42, 60),
            "ankle_dorsal": (-40, -5), "spine_side": (0, 20), "spine_flexion": (5, 40),
        },
        right={"hip_flexion": (75, 95), "hip_abduction": (10, 35), "hip_rotation": (-45, -30), "knee_flexion": (95, 130)},
        arms=(*_LOW_ARMS, "propped behind"), next=("sitting on the heels", "on the floor, legs out", "on the side"),
    ),
    "kneeling": Posture(
        1.2, Hold.LEVEL, (("left_knee",), ("right_knee",), ("left_ball", "right_ball")),
        {"hip_flexion": (-12, 35), "knee_flexion": (75, 125), "hip_abduction": (0, 22), "ankle_dorsal": (-48, -30)},
        arms=FREE_ARMS, uneven=0.1, next=("half-kneeling", "sitting on the heels", "on all fours", "standing"),
    ),
    "half-kneeling": Posture(
        1.5, Hold.LEVEL, (("right_knee",), ("right_ball",)),
        {"hip_flexion": (78, 115), "knee_flexion": (75, 110), "hip_abduction": (0, 25), "spine_flexion": (-5, 45)},
        right={"hip_flexion": (-12, 25), "knee_flexion": (75, 118), "ankle_dorsal": (-48, 15), "toes_dorsal": (0, 45)},
        uneven=0.5, next=("kneeling", "standing", "squatting"), flat=True, steps=True,
    ),
    "sitting on the heels": Posture(
        1.2, Hold.LEVEL, (("left_knee",), ("right_knee",), ("left_ball", "right_ball")),
        {
            "hip_flexion": (55, 120), "knee_flexion": (140, 155), "hip_abduction": (0, 22), "ankle_dorsal": (-50, -38),
            "spine_flexion": (0, 60),
        },
        arms=(*_LOW_ARMS, "raised"), uneven=0.1, next=("kneeling", "on all fours", "on the floor, legs aside"),
    ),
    "on all fours": Posture(
        2.0, Hold.LEVEL, (_HANDS, ("left_knee",), ("right_knee",)),
        {
            "pitch": (85, 85), "hip_flexion": (60, 118), "knee_flexion": (65, 120),
            "hip_abduction": (0, 20), "ankle_dorsal": (-50, -20),
            "spine_flexion": (-20, 35), "neck_flexion": (-45, 25),
        },
        arms=("on hands",), uneven=0.5, shins=True, next=("kneeling", "sitting on the heels", "plank", "on the front",
        "bear walk"),
    ),
    "bear walk": Posture(
        0.8, Hold.LEVEL, (_HANDS, ("left_ball",), ("right_ball",)),
        {
            "pitch": (75, 75), "hip_flexion": (50, 122), "knee_flexion": (0, 110),
            "ankle_dorsal": (-20, 25), "toes_dorsal": (20, 60),
        },
        arms=("on hands",), uneven=0.4, next=("on all fours", "plank", "squatting"),
    ),
    "plank": Posture(
        1.2, Hold.LEVEL, (_HANDS, ("left_ball",), ("right_ball",)),
        {
            "pitch": (75, 75), "hip_flexion": (-8, 30), "knee_flexion": (0, 15), "ankle_dorsal": (-5, 22),
            "toes_dorsal": (30, 62), "hip_abduction": (0, 15),
        },
        arms=("on hands", "pressed up"), uneven=0.15, next=("on all fours", "on the front", "bear walk"),
    ),
    "plank on the forearms": Posture(
        0.7, Hold.LEVEL, (("left_elbow", "right_elbow"), ("left_ball",), ("right_ball",)),
        {"pitch": (80, 80), "hip_flexion": (-8, 30), "knee_flexion": (0, 15), "ankle_dorsal": (-5, 22), "toes_dorsal": (30, 62)},
        arms=("on forearms",), uneven=0.15, next=("plank", "on the front"),
    ),
    "on the back": Posture(
        2.0, Hold.LEVEL, (_BACK, _SEAT),
        {
            "pitch": (-90, -90), "hip_flexion": (0, 62), "knee_flexion": (0, 115), "hip_abduction": (0, 30),
            "hip_rotation": (-5, 35), "ankle_dorsal": (-40, -5), "spine_flexion": (0, 25), "neck_flexion": (0, 30),
        },
        arms=("along", "along", "lap", "crossed", "pillow", "behind head", "face"), uneven=0.8,
        next=("on the side", "on the floor, legs out", "sitting up"),
    ),
    "sitting up": Posture(
        1.0, Hold.FREE, (),
        {
            "pitch": (-85, -45), "hip_flexion": (40, 115), "knee_flexion": (0, 125), "spine_flexion": (15, 60),
            "ankle_dorsal": (-40, 10), "neck_flexion": (5, 40),
        },
        arms=("reaching", "behind head", "crossed", "lap", "hanging"), uneven=0.8, next=("on the back", "on the floor, legs out"),
    ),
    "on the front": Posture(
        1.2, Hold.LEVEL, (("left_groin", "right_groin"), ("left_knee", "right_knee")),
        {
            "pitch": (90, 90), "hip_flexion": (-8, 4), "knee_flexion": (0, 70), "hip_abduction": (2, 30),
            "hip_rotation": (-15, 40),
            "ankle_dorsal": (-50, -25), "spine_flexion": (-16, 4), "neck_flexion": (-35, -5), "neck_twist": (-60, 60),
        },
        arms=("spread out", "spread out", "along"), uneven=1.0, next=("on all fours", "plank", "on the side"),
    ),
    "on the side": Posture(
        1.5, Hold.LEVEL, (("left_ribs",), ("left_hip",)),
        {
            "roll": (90, 90), "pitch": (-12, 12), "hip_flexion": (0, 100), "knee_flexion": (0, 125), "hip_abduction": (-8, 2),
            "ankle_dorsal": (-35, 5), "spine_flexion": (0, 45), "spine_side": (-12, 15), "neck_side": (-25, 5),
        },
        right={"hip_abduction": (-15, 5)},
        arms=("before the face", "before the face", "lap", "crossed", "reaching"), uneven=0.7, next=("on the back",
        "on the front"),
    ),
    "handstand": Posture(
        0.6, Hold.BALANCED, (_HANDS,),
        {
            "pitch": (180, 180), "hip_flexion": (-28, 100), "knee_flexion": (0, 100), "hip_abduction": (0, 40),
            "spine_flexion": (-30, 20), "neck_flexion": (-40, 0), "ankle_dorsal": (-50, 0),
        },
        arms=("overhead support",), uneven=0.9, next=("plank", "bear walk"),
    ),
    "arched": Posture(
        0.6, Hold.LEVEL, (_HANDS, ("left_heel", "left_ball"), ("right_heel", "right_ball")),
        {
            "pitch": (-90, -90), "hip_flexion": (-30, -5), "knee_flexion": (50, 110), "hip_abduction": (5, 25),
            "spine_flexion": (-30, -15), "neck_flexion": (-45, -10), "ankle_dorsal": (-30, 10),
        },
        arms=("overhead support",), uneven=0.1, next=("on the back",),
    ),
    "tucked": Posture(
        1.0, Hold.FREE, (),
        {
            "pitch": (-180, 180), "roll": (-40, 40), "hip_flexion": (20, 122), "knee_flexion": (0, 150),
            "spine_flexion": (-15, 65),
            "ankle_dorsal": (-50, 5), "hip_abduction": (0, 30),
        },
        arms=("lap", "raised", "aside", "reaching", "guard"), uneven=0.4, next=("squatting", "stepping"),
    ),
}  # fmt: skip
