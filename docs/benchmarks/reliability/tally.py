"""What a campaign found: outcomes with their counts, and each fault in words."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts of a campaign.

    Attributes
    ----------
    outcomes : Counter
        How often each outcome occurred.
    faults : list of str
        Cases that kept no promise, with all that is needed to repeat them.
    """

    outcomes: Counter = field(default_factory=Counter)
    faults: list = field(default_factory=list)

    def note(self, outcome):
        """Count a case that is as it should be."""
        self.outcomes[outcome] += 1

    def fault(self, kind, case):
        """Count a case that is not as it should be."""
        self.outcomes[f"FAULT: {kind}"] += 1
        self.faults.append(f"{kind}: {case}")

    def record(self, campaign, promise):
        """The campaign as a record of the results."""
        counts = "; ".join(f"{count} {name}" for name, count in sorted(self.outcomes.items()))
        return {
            "campaign": campaign,
            "promise": promise,
            "cases": self.outcomes.total(),
            "faults": len(self.faults),
            "outcomes": counts,
            "cases at fault": self.faults,
        }
