"""What the parts of `make fidelity` reckon with: percentiles, and whether two samples differ by more than chance."""
import math
import random
import statistics

SURE = 0.95
DRAWS = 400  # batches that are drawn to see how much a percentile of few values moves by itself


def percentile(values, part):
    values = sorted(values)
    at = (len(values) - 1) * part
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (at - low)


def student_within(t, freedom):
    """The chance that Student's t lies within -t..t: its density integrated by Simpson's rule."""
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)
    steps = 400
    h = t / steps
    density = [scale * (1 + (i * h) ** 2 / freedom) ** (-(freedom + 1) / 2) for i in range(steps + 1)]
    return 2 * h / 3 * (density[0] + density[-1] + 4 * sum(density[1:-1:2]) + 2 * sum(density[2:-1:2]))


def student_bound(freedom, sure=SURE):
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if student_within(middle, freedom) < sure else (low, middle)
    return high


def welch(ours, theirs):
    """Half the width of the interval that holds the true difference of the means 95 times in a hundred (Welch); 0: neither varies."""
    parts = [statistics.variance(v) / len(v) if len(v) > 1 else 0.0 for v in (ours, theirs)]
    if sum(parts) == 0:
        return 0.0
    freedom = sum(parts) ** 2 / sum(p * p / (len(v) - 1) for p, v in zip(parts, (ours, theirs)) if p > 0)
    return student_bound(freedom) * math.sqrt(sum(parts))


def batches(values, part, size):
    """Between which bounds a percentile of so few of the values lies 95 times in a hundred."""
    rng = random.Random(1)
    seen = [percentile(rng.choices(values, k=size), part) for _ in range(DRAWS)]
    return percentile(seen, (1 - SURE) / 2), percentile(seen, (1 + SURE) / 2)
