"""Motion that training never sees: what the samples show, and the validation split.

Names are ``collection/file`` without suffix, as the folders of motion capture name them. The CMU collections are different
conversions of one database, so a recording is held out in all of them: ``39_03`` of one is ``walking_37_2`` of another, ``13_26``
is ``directing_traffic_1`` (found by correlating knee and elbow flexion over all pairs of files: 0.99 and more for one recording,
at most 0.96 for two), and salsa 09 and 24 are the two partners of one dance. A recording that was cut is held out whole.
"""

from fnmatch import fnmatchcase

from hmr_video.errors import InputError

# The sources of samples/*.mp4.
SAMPLES = (
    "cmu_dance/indian_04_*",  # a lively solo dance
    "cmu_dance/salsa_09_*",  # both partners of one dance
    "cmu_dance/salsa_24_*",
    "cmu_locomotion/49_01",  # a slow walk, and its other conversion
    "cmu_actions/walking_51_*",
    "cmu_locomotion/05_01",  # a walk, and its other conversions
    "cmu_001_007/005_01",
    "cmu_actions/walking_2_2",
)

# About a tenth of every kind of motion, by recording or by subject.
VALIDATION = (
    "cmu_locomotion/39_*",  # subject 39: brisk walks
    "cmu_actions/walking_3[7-9]_*",
    "cmu_actions/walking_4[0-6]_*",
    "cmu_s01_s03/01_13",  # climbing, swinging and hanging in a playground
    "cmu_keijiro/85_14_*",  # breakdance
    "cmu_rancidmilk91/91_5[34]_*",  # hops and jumps
    "cmu_001_007/005_1[78]*",  # modern dance and ballet
    "cmu_001_007/002_05",  # punching and striking
    "cmu_001_007/006_06",  # basketball, and its other conversion
    "cmu_actions/basketball_5_*",
    "cmu_actions/soccer_5_*",
    "cmu_actions/directing_traffic_1_*",
    "kaykit/Sit_Chair_*",
    "kaykit/Lie_*",
    "mesh2motion_addon/Kneeling_Tired",
    "mesh2motion_ual/Crouch_Idle_Loop",
    "reactidle/014_*",  # an idling subject
    "cmu_daz_10_14/13_26_*",  # directing traffic 1, in its other conversion
    "cmu_daz_10_14/10_06_*",  # soccer 5
    "cmu_daz_10_14/13_18_*",
    "cmu_daz_10_14/14_30_*",
    "cmu_69_94_16/69_6*",  # walks and turns
    "cmu_69_94_16/16_5*",
    "cmu_69_94_16/94_03_*",  # an Indian dance
    "snu_basketball/s_010_*",  # a player
    "snu_martial/s_020_*",  # a fighter
    "snu_tennis/tennis_KangTennisF19*",
    "snu_tennis/tennis_KangTennisN14*",
    "snu_walk/woddy2_walk_turn_180_*",
    "snu_walk/woddy2_spiral_ffffast_right_*",
    "second_life_avatar/avatar_dance2_*",
    "second_life_avatar/avatar_crouchwalk",
    "second_life_avatar/avatar_punch_onetwo_*",
    "second_life_avatar/avatar_sit_female",
    "second_life_avatar/avatar_throw_R",
)

EVERY = 10  # of unknown motion, one clip in this many validates


def split(names: list[str]) -> tuple[list[str], list[str]]:
    """The clips ``collection/file`` for training and those for validation; the samples' are in neither.

    Of a folder in which nothing is known by name, every tenth clip validates. Raises InputError where one part would be empty.
    """
    free = [name for name in names if not _matches(name, SAMPLES)]
    validation = [name for name in free if _matches(name, VALIDATION)] or free[EVERY - 1 :: EVERY] or free[1:][-1:]
    training = [name for name in free if name not in set(validation)]
    if not training or not validation:
        raise InputError(
            f"{len(free)} clip(s) cannot be split into training and validation.", "Give two files of motion or more."
        )
    return training, validation


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
