"""What Temporal is told of an attempt that failed: its history holds ids only, and a mail server likes to name in its
refusal whom it refuses."""

from dataclasses import replace

from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter, DefaultFailureConverter, PayloadConverter

from nurture.logs import masked


class _Masking(DefaultFailureConverter):
    def to_failure(
        self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure
    ) -> None:
        """Also for each cause, since the default calls this one for it."""
        super().to_failure(exception, payload_converter, failure)
        failure.message = masked(failure.message)
        failure.stack_trace = masked(failure.stack_trace)


CONVERTER = replace(DataConverter.default, failure_converter_class=_Masking)
"""For a client of Temporal: addresses leave the text of failures, as they leave logs."""
