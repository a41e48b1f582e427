r"""How are estimates of children moved so that they add up to their parent's?  On arrays.

Source: k children with estimates theta_i, their shares w_i of the parent and its value T. Wang, Fuller & Qu (2008), Survey
Methodology 34, 29-36, and Bell, Datta & Ghosh (2013), Biometrika 100, 189-202: of all b with sum w_i b_i = T, the least
sum phi_i (b_i - theta_i)^2 has

    b_i = theta_i + s w_i / phi_i,   s = (T - sum w_i theta_i) / sum (w_i^2 / phi_i)

and with ends of the scale the same line, cut at the ends, with the longer step s that still meets T.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
NO_BOUNDS = (-np.inf, np.inf)
LONGEST = 2.0**40  # of a step, in steps that move some child by the size of the outcome


@dataclass(frozen=True, slots=True)
class Line:
    """Where each child goes as the step grows: theta + s direction, cut at the ends of the scale."""

    theta: Floats  #: (k,)
    direction: Floats  #: (k,) w_i / phi_i; theta itself for the ratio
    share: Floats  #: (k,) w_i, adding up to 1
    bounds: tuple[float, float] = NO_BOUNDS

    def at(self, step: float) -> Floats:
        """Values after a step."""
        return np.clip(self.theta + step * self.direction, *self.bounds)

    def total(self, step: float) -> float:
        """Weighted sum after a step; never falls."""
        return float(self.share @ self.at(step))


def meet(line: Line, target: float) -> Floats:
    """Values whose weighted sum is the target, or as near to it as a step gets: the caller looks."""
    per = float(line.share @ line.direction)
    if per <= 0:
        return line.at(0.0)
    plain = (target - float(line.share @ line.theta)) / per
    values = line.at(plain)
    if (values == line.theta + plain * line.direction).all():
        return values
    size = (float(np.abs(line.theta).max()) + abs(target)) / float(line.direction.max())
    reach = max(abs(plain), size)
    while reach < size * LONGEST and not line.total(-reach) <= target <= line.total(reach):
        reach *= 4
    if not line.total(-reach) <= target <= line.total(reach):
        return line.at(float(np.copysign(reach, plain)))
    step = optimize.brentq(lambda s: line.total(s) - target, -reach, reach, xtol=1e-300, rtol=1e-14, maxiter=500)
    return _exact(line, step, target)


def _exact(line: Line, step: float, target: float) -> Floats:
    """The step is known to a few units of its last digit: those not held at an end take up what is left."""
    values = line.at(step)
    free = (values > line.bounds[0]) & (values < line.bounds[1])
    per = float(line.share[free] @ line.direction[free])
    if per > 0:
        values = values + np.where(free, (target - float(line.share @ values)) / per * line.direction, 0.0)
    return np.clip(values, *line.bounds)
