"""What every EM obeys, tried on the learner's own."""


def invariants() -> None:
    """To come."""
