"""Our signatures are those of botocore's signer, byte by byte."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from unittest.mock import patch

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from heirloom.adapters.aws_credentials import Credentials
from heirloom.adapters.sigv4 import Signer

PRINTABLE = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
DAY_ONE, LAST_DAY = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2026, 2050))


@dataclass(frozen=True)
class Call:
    """A request that is to be signed."""

    region: str
    service: str
    credentials: Credentials
    target: str
    body: bytes
    time: datetime

    @property
    def headers(self) -> dict[str, str]:
        """All that are signed."""
        token = {"x-amz-security-token": self.credentials.token} if self.credentials.token else {}
        return self.unsigned | token | {"x-amz-date": self.time.strftime("%Y%m%dT%H%M%SZ")}

    @property
    def unsigned(self) -> dict[str, str]:
        """Those that botocore's signer is given."""
        return {
            "content-type": "application/x-amz-json-1.0",
            "host": f"{self.service}.{self.region}.amazonaws.com",
            "x-amz-target": self.target,
        }


CREDENTIALS = st.builds(
    Credentials,
    access_key=st.text(PRINTABLE, min_size=16, max_size=30),
    secret_key=st.text(PRINTABLE, min_size=16, max_size=60),
    token=st.none() | st.text(PRINTABLE, min_size=1, max_size=60),
)
CALLS = st.builds(
    Call,
    region=st.just("us-gov-west-1"),
    service=st.just("dynamodb"),
    credentials=CREDENTIALS,
    target=st.text(PRINTABLE, min_size=1, max_size=30),
    body=st.binary(max_size=300),
    time=st.integers(DAY_ONE, LAST_DAY).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)


@given(calls=st.lists(CALLS, min_size=1, max_size=4))
def test_a_signature_is_that_of_botocore(calls: list[Call]) -> None:
    """One after the other by the same signer, which keeps its key of the day: on other days, with other secrets."""
    signer = Signer("us-gov-west-1", "dynamodb")
    for call in calls:
        ours = signer.authorization(
            call.headers, call.body, access_key=call.credentials.access_key, secret_key=call.credentials.secret_key
        )

        assert ours == of_botocore(call)


@given(call=CALLS, region=st.sampled_from(("us-east-1", "eu-central-1")), service=st.just("secretsmanager"))
def test_region_and_service_are_signed(call: Call, region: str, service: str) -> None:
    call = replace(call, region=region, service=service)

    ours = Signer(region, service).authorization(
        call.headers, call.body, access_key=call.credentials.access_key, secret_key=call.credentials.secret_key
    )

    assert ours == of_botocore(call)


def of_botocore(call: Call) -> str:
    """The header that botocore's signer adds to the same request."""
    request = AWSRequest("POST", f"https://{call.unsigned['host']}/", data=call.body, headers=call.unsigned)
    with patch("botocore.auth.get_current_datetime", return_value=call.time):
        SigV4Auth(ReadOnlyCredentials(*call.credentials), call.service, call.region).add_auth(request)
    return str(request.headers["Authorization"])


def test_the_key_of_the_day_is_that_of_the_secret() -> None:
    """Credentials change during a day, too."""
    signer = Signer("us-east-1", "dynamodb")
    headers = {"host": "dynamodb.us-east-1.amazonaws.com", "x-amz-date": "20261126T120000Z"}

    by_secret = [signer.authorization(headers, b"", access_key="a", secret_key=secret) for secret in ("one", "two")]

    assert by_secret[0] != by_secret[1]
    assert by_secret[1] == Signer("us-east-1", "dynamodb").authorization(headers, b"", access_key="a", secret_key="two")


def test_neither_a_signer_nor_credentials_print_a_secret() -> None:
    signer = Signer("us-east-1", "dynamodb")
    signer.authorization({"x-amz-date": "20261126T120000Z"}, b"", access_key="access", secret_key="hidden-secret")

    assert "hidden" not in repr(signer)
    assert "hidden" not in repr(Credentials("access", "hidden-secret", "hidden-token"))
