"""Questions about back ends that scripts ask."""


class mps:
    """Apple GPUs: never available."""

    @staticmethod
    def is_available():
        return False

    @staticmethod
    def is_built():
        return False


class cudnn:
    """Switches that scripts set; they have no effect on the CPU."""

    deterministic = True
    benchmark = False
    enabled = False
