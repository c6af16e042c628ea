"""How near a result is to the truth: metrics, the matching of people, readers of published test sets."""

from hmr_video.evaluate.compare import Protocol, Scores, Sequence, compare, evaluate_people, mean_scores

__all__ = ["Protocol", "Scores", "Sequence", "compare", "evaluate_people", "mean_scores"]
