"""The small rules: PKCE, scopes, encoding, brakes on guessing, lifetimes."""

from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heirloom.domain import encoding, guessing, lifetimes, pkce, scope
from heirloom.domain.application import (
    Application,
    ApplicationType,
    AuthenticationMethod,
    ClientCredentials,
    GrantType,
    Tenant,
    families_not_before,
    pushing_required,
    secret_digest,
)
from heirloom.domain.errors import (
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    UnauthorizedClient,
)
from heirloom.domain.guessing import ACCOUNT, ACCOUNT_FROM_ADDRESS, ADDRESS, Attempts, Brake
from heirloom.domain.resource_server import ResourceServer

# RFC 7636 Appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

PUBLIC = Application("app", "App", ApplicationType.NATIVE, AuthenticationMethod.NONE)
CONFIDENTIAL = replace(
    PUBLIC,
    app_type=ApplicationType.REGULAR_WEB,
    token_endpoint_auth_method=AuthenticationMethod.CLIENT_SECRET_BASIC,
    secret_digest=secret_digest("right"),
)
API = ResourceServer("https://api.example/", "API", {"read": "", "write": ""}, allow_offline_access=True)


class TestProofKeys:
    def test_the_example_of_the_rfc_is_proven(self) -> None:
        pkce.prove(challenge=CHALLENGE, verifier=VERIFIER)

    @pytest.mark.parametrize(
        ("challenge", "verifier"),
        [
            (CHALLENGE, None),
            (CHALLENGE, ""),
            (CHALLENGE, VERIFIER[:-1]),
            (CHALLENGE, VERIFIER + "A"),
            (CHALLENGE, CHALLENGE),
            (CHALLENGE, VERIFIER.swapcase()),
            (CHALLENGE, "ä" * 43),
            (CHALLENGE, VERIFIER + " "),
            (None, VERIFIER),
        ],
    )
    def test_anything_else_is_not(self, challenge: str | None, verifier: str | None) -> None:
        """A verifier without a challenge too: somebody took the challenge out (RFC 9700 §4.8.2)."""
        with pytest.raises(InvalidGrant):
            pkce.prove(challenge=challenge, verifier=verifier)

    def test_a_short_verifier_is_refused_even_if_it_matches(self) -> None:
        """RFC 7636 §4.1: at least 43 characters."""
        short = encoding.encode(sha256(b"short").digest())

        with pytest.raises(InvalidGrant):
            pkce.prove(challenge=short, verifier="short")

    @pytest.mark.parametrize(
        ("challenge", "method"),
        [
            (CHALLENGE, None),
            (CHALLENGE, "plain"),
            (CHALLENGE, "s256"),
            (CHALLENGE + "A", "S256"),
            (CHALLENGE[:-1], "S256"),
            (CHALLENGE[:-1] + "=", "S256"),
            (None, "S256"),
            (None, None),
        ],
    )
    def test_a_request_needs_an_s256_challenge(self, challenge: str | None, method: str | None) -> None:
        with pytest.raises(InvalidRequest):
            pkce.challenge_of(challenge=challenge, method=method, required=True)

    def test_whoever_may_do_without_may_not_do_it_badly(self) -> None:
        assert pkce.challenge_of(challenge=None, method=None, required=False) is None
        assert pkce.challenge_of(challenge=CHALLENGE, method="S256", required=False) == CHALLENGE
        for challenge, method in ((CHALLENGE, "plain"), (None, "S256")):
            with pytest.raises(InvalidRequest):
                pkce.challenge_of(challenge=challenge, method=method, required=False)

    def test_without_a_challenge_and_without_a_verifier_there_is_nothing_to_prove(self) -> None:
        pkce.prove(challenge=None, verifier=None)

    def test_public_clients_always_need_one(self) -> None:
        assert replace(PUBLIC, require_proof_key=False).proof_key_required
        assert CONFIDENTIAL.proof_key_required
        assert not replace(CONFIDENTIAL, require_proof_key=False).proof_key_required


class TestScopes:
    @pytest.mark.parametrize("text", [None, "", " ", "   "])
    def test_no_scope_is_an_empty_one(self, text: str | None) -> None:
        assert scope.parse(text) == frozenset()

    @pytest.mark.parametrize(
        "text", ['a "b"', "a\\b", "a\nb", "ä", "a\x00", "x" * 1025, " ".join(map(str, range(101)))]
    )
    def test_a_malformed_scope_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidScope):
            scope.parse(text)

    def test_a_scope_may_be_as_long_as_its_limits(self) -> None:
        assert scope.parse("x" * 1024) == {"x" * 1024}
        assert len(scope.parse(" ".join(map(str, range(100))))) == 100

    def test_the_standard_values_come_first_and_openid_before_all(self) -> None:
        assert scope.render(frozenset({"read", "address", "openid", "email"})) == "openid address email read"

    def test_nothing_is_denied_that_nobody_asked_for(self) -> None:
        without_refresh = replace(PUBLIC, grant_types=frozenset({GrantType.AUTHORIZATION_CODE}))

        assert scope.grant(frozenset({"openid"}), without_refresh, API) == scope.GrantedScope(frozenset({"openid"}))

    def test_unknown_values_are_dropped(self) -> None:
        requested = frozenset({"openid", "read", "admin"})

        assert scope.grant(requested, PUBLIC, API).values == {"openid", "read"}
        assert scope.grant(requested, PUBLIC, None).values == {"openid"}

    @pytest.mark.parametrize(
        ("application", "api", "granted"),
        [
            (PUBLIC, API, True),
            (PUBLIC, None, True),
            (PUBLIC, replace(API, allow_offline_access=False), False),
            (replace(PUBLIC, grant_types=frozenset({GrantType.AUTHORIZATION_CODE})), API, False),
            (replace(PUBLIC, oidc_conformant=False), API, True),
            (replace(PUBLIC, oidc_conformant=False), None, False),
        ],
    )
    def test_offline_access_needs_every_permission(
        self,
        application: Application,
        api: ResourceServer | None,
        granted: bool,  # noqa: FBT001 - a row of a table
    ) -> None:
        answer = scope.grant(frozenset({"openid", "offline_access"}), application, api)

        assert ("offline_access" in answer.values) is granted
        assert (answer.offline_access_denied is None) is granted

    @given(st.sets(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdefgh")))
    def test_narrowing_never_widens(self, granted: set[str], requested: set[str]) -> None:
        both = frozenset(granted & requested)
        if requested and not both:
            with pytest.raises(InvalidScope):
                scope.narrow(frozenset(granted), frozenset(requested))
        else:
            assert scope.narrow(frozenset(granted), frozenset(requested)) == (both if requested else granted)

    @given(st.sets(st.sampled_from(["openid", "email", "read", "write", "a"])))
    def test_what_is_rendered_is_parsed_again(self, values: set[str]) -> None:
        assert scope.parse(scope.render(frozenset(values))) == values


class TestClientAuthentication:
    @pytest.mark.parametrize(
        "method", [AuthenticationMethod.CLIENT_SECRET_BASIC, AuthenticationMethod.CLIENT_SECRET_POST]
    )
    def test_one_right_reading_of_the_secret_suffices(self, method: AuthenticationMethod) -> None:
        CONFIDENTIAL.authenticate(ClientCredentials(method, "app", ("wrong", "right")))

    @pytest.mark.parametrize("secrets", [(), ("wrong",), ("",), ("Right",), ("right ", "righ")])
    def test_any_other_secret_is_refused(self, secrets: tuple[str, ...]) -> None:
        with pytest.raises(InvalidClient):
            CONFIDENTIAL.authenticate(ClientCredentials(AuthenticationMethod.CLIENT_SECRET_POST, "app", secrets))

    def test_the_log_knows_whether_a_secret_was_wrong_or_missing(self) -> None:
        for secrets, reason in ((("wrong",), "wrong client secret"), ((), "missing client secret")):
            with pytest.raises(InvalidClient, match=reason):
                CONFIDENTIAL.authenticate(ClientCredentials(AuthenticationMethod.CLIENT_SECRET_POST, "app", secrets))

    def test_the_later_of_two_marks_of_mass_revocation_holds(self) -> None:
        for tenants, applications in ((7, 5), (5, 7)):
            assert families_not_before(Tenant(not_before=tenants), replace(PUBLIC, not_before=applications)) == 7

    def test_a_confidential_client_without_a_stored_secret_is_nobody(self) -> None:
        nobody = replace(CONFIDENTIAL, secret_digest=None)

        with pytest.raises(InvalidClient):
            nobody.authenticate(ClientCredentials(AuthenticationMethod.CLIENT_SECRET_POST, "app", ("",)))

    def test_a_public_client_must_not_claim_a_secret(self) -> None:
        PUBLIC.authenticate(ClientCredentials(AuthenticationMethod.NONE, "app"))
        with pytest.raises(InvalidClient):
            PUBLIC.authenticate(ClientCredentials(AuthenticationMethod.CLIENT_SECRET_POST, "app", ("x",)))

    def test_whoever_signs_assertions_has_no_other_way(self) -> None:
        signing = replace(CONFIDENTIAL, token_endpoint_auth_method=AuthenticationMethod.PRIVATE_KEY_JWT)
        right = ClientCredentials(AuthenticationMethod.CLIENT_SECRET_BASIC, "app", ("right",))

        with pytest.raises(InvalidClient):
            signing.authenticate(right)
        CONFIDENTIAL.authenticate(right)
        assert (CONFIDENTIAL.keeps_secret, signing.keeps_secret, PUBLIC.keeps_secret) == (True, False, False)

    def test_scripts_of_both_kinds_of_origin_may_read_answers(self) -> None:
        application = replace(
            PUBLIC, web_origins=frozenset({"https://a.example"}), allowed_origins=frozenset({"https://b.example"})
        )

        assert [application.allows_origin(f"https://{name}.example") for name in "abc"] == [True, True, False]

    def test_only_a_native_application_has_a_free_port(self) -> None:
        native = replace(PUBLIC, callbacks=frozenset({"http://127.0.0.1/callback"}))

        assert native.allows_redirect_to("http://127.0.0.1:8080/callback")
        assert not replace(native, app_type=ApplicationType.REGULAR_WEB).allows_redirect_to(
            "http://127.0.0.1:8080/callback"
        )

    def test_the_tenant_or_the_application_insists_on_pushed_requests(self) -> None:
        insisting = replace(PUBLIC, require_pushed_authorization_requests=True)

        assert not pushing_required(Tenant(), PUBLIC)
        assert pushing_required(Tenant(), insisting)
        assert pushing_required(Tenant(require_pushed_requests=True), PUBLIC)

    def test_a_grant_that_was_given_is_not_refused(self) -> None:
        PUBLIC.require_grant(GrantType.AUTHORIZATION_CODE)

    def test_a_grant_that_was_not_given_is_refused(self) -> None:
        with pytest.raises(UnauthorizedClient):
            replace(PUBLIC, grant_types=frozenset()).require_grant(GrantType.REFRESH_TOKEN)


class TestEncoding:
    @given(st.binary())
    def test_octets_come_back(self, octets: bytes) -> None:
        assert encoding.decode(encoding.encode(octets)) == octets

    @given(st.text())
    def test_only_the_one_encoding_is_decoded(self, text: str) -> None:
        try:
            octets = encoding.decode(text)
        except ValueError:
            return
        assert encoding.encode(octets) == text

    @pytest.mark.parametrize("text", ["A", "AB==", "AAA\n", "A B", "+/", "AB", "é"])
    def test_spare_bits_padding_and_strangers_are_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"base64|padding|ASCII"):
            encoding.decode(text)


class TestBrakes:
    @given(st.sampled_from([ACCOUNT, ACCOUNT_FROM_ADDRESS, ADDRESS]), st.integers(0, 10**6), st.integers(0, 10**6))
    def test_no_pause_is_longer_than_the_longest(self, brake: Brake, count: int, waited: int) -> None:
        """Nobody is locked out for good."""
        pause = guessing.pause(brake, Attempts(count, 1000), 1000 + waited)

        assert 0 <= pause <= brake.longest_pause
        assert guessing.pause(brake, Attempts(count, 1000), 1000 + brake.longest_pause) == 0

    @pytest.mark.parametrize("brake", [ACCOUNT, ACCOUNT_FROM_ADDRESS, ADDRESS])
    def test_pauses_grow(self, brake: Brake) -> None:
        pauses = [guessing.pause(brake, Attempts(count, 1000), 1000) for count in range(brake.free_attempts + 12)]

        assert pauses[: brake.free_attempts] == [0] * brake.free_attempts
        assert pauses == sorted(pauses)
        assert pauses[brake.free_attempts] == brake.first_pause
        assert pauses[-1] == min(brake.longest_pause, brake.first_pause << 11)

    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
            ("::ffff:192.0.2.7", "::ffff:192.0.2.7"),
            ("", "unknown"),
            ("not an address", "unknown"),
        ],
    )
    def test_an_ipv6_caller_counts_by_its_network(self, address: str, network: str) -> None:
        assert guessing.network(address) == network

    def test_a_bucket_is_forgotten_after_a_day(self) -> None:
        assert not guessing.forgotten(Attempts(1, last_at=86_400), now=2 * 86_400 - 1)
        assert guessing.forgotten(Attempts(1, last_at=86_400), now=2 * 86_400)


class TestLifetimes:
    @given(st.integers(0, 2**31), st.none() | st.integers(1, lifetimes.LONGEST_REFRESH_TOKEN))
    def test_everything_ends_later_than_it_starts(self, start: int, lifetime: int | None) -> None:
        assert start < lifetimes.ends_at(start, lifetime) <= lifetimes.NEVER

    def test_leeway_outlasts_a_conformance_suite_and_ends_before_any_default_token(self) -> None:
        assert 31 < lifetimes.LEEWAY < lifetimes.ACCESS_TOKEN
