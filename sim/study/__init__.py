"""Studies: thousands of machines around one, and which of them are best.

from sim.study import load_study, run

outcome = run(load_study("array_shape"), Path("array_shape"))
for record in outcome.front:
    ...
"""

from sim.study.run import Outcome, Settings, run
from sim.study.spec import Bounds, Counted, Parameter, Refinement, Sampling, StudySpec
from sim.study.study import Study, load_study, study_of

__all__ = [
    "Bounds",
    "Counted",
    "Outcome",
    "Parameter",
    "Refinement",
    "Sampling",
    "Settings",
    "Study",
    "StudySpec",
    "load_study",
    "run",
    "study_of",
]
