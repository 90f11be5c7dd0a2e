"""A text that a model cannot take. Apart, as whoever names the document or query need not know models."""


class Misfit(ValueError):
    """Text number `row` of a call is none that the model can take."""

    def __init__(self, row: int, what: str) -> None:
        self.row = row
        super().__init__(what)
