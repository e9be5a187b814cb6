"""Properties of Auth0's Management API and deploy CLI that a tenant file may have and that nothing here reads.

Most are reported and ignored. A few protect something: ignoring those would leave a door open that the file's author
believes shut, so they are refused unless they are off.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Foreign:
    """What we know of, without support for it."""

    ignored: frozenset[str] = frozenset()
    protective: frozenset[str] = frozenset()
    harmless_values: Mapping[str, tuple[object, ...]] | None = None
    """Values at which a protective property protects nothing, besides false, null and empty ones."""

    def protects(self, name: str, value: object) -> bool:
        """Tell whether ignoring this property would take protection away."""
        off = not value or (isinstance(value, Mapping) and not any(value.values()))
        return name in self.protective and not off and value not in (self.harmless_values or {}).get(name, ())


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


FILE = Foreign(
    ignored=_names(
        """
        actions attackProtection branding connectionProfiles connections customDomains databases
        emailProvider emailTemplates exclude flowVaultConnections flows forms guardianFactorProviders
        guardianFactorTemplates guardianFactors guardianPhoneFactorMessageTypes guardianPhoneFactorSelectedProvider
        hooks logStreams migrations networkACLs organizations pages partials phoneProviders phoneTemplates prompts
        riskAssessment roles rules rulesConfigs rulesSettings selfServiceProfiles supplementalSignals themes
        rateLimitPolicies riskAssessments tokenExchangeProfiles triggers userAttributeProfiles
        """
    ),
    protective=frozenset({"guardianPolicies"}),
    harmless_values={"guardianPolicies": ({"policies": []},)},
)

CLIENT = Foreign(
    ignored=_names(
        """
        addons allowed_clients anonymous_sessions async_approval_notification_channels b2b_integration_configuration
        client_aliases client_metadata created_at cross_origin_auth cross_origin_authentication cross_origin_loc
        custom_login_page custom_login_page_on custom_login_page_preview default_organization description
        enforce_anon_session_transfer_network_binding express_configuration external_client_id
        external_metadata_created_by external_metadata_status external_metadata_type fedcm_login form_template global
        identity_assertion_authorization_grant initiate_login_uri is_token_endpoint_ip_header_trusted mobile
        my_organization_configuration native_social_login
        organization_discovery_methods par_request_expiry redirection_policy resource_server_identifier
        session_transfer signing_keys skip_non_verifiable_callback_uri_confirmation_prompt sso sso_disabled tenant
        third_party_security_mode token_exchange token_quota token_vault_privileged_access updated_at
        """
    ),
    protective=_names(
        """
        compliance_level encryption_key jwks_uri organization_require_behavior organization_usage signed_request_object
        """
    ),
    harmless_values={
        "compliance_level": ("none",),
        "organization_require_behavior": ("no_prompt",),
        "organization_usage": ("allow", "deny"),
    },
)

CLIENT_AUTHENTICATION_METHODS = Foreign(protective=frozenset({"self_signed_tls_client_auth", "tls_client_auth"}))

CREDENTIAL = Foreign(
    ignored=_names("created_at id name thumbprint_sha256 updated_at"),
    protective=_names("expires_at parse_expiry_from_cert subject_dn"),
)

REFRESH_TOKEN = Foreign()

OIDC_LOGOUT = Foreign(ignored=frozenset({"backchannel_logout_session_metadata"}))

JWT_CONFIGURATION = Foreign(ignored=frozenset({"scopes", "secret_encoded"}))

DEVICE_FLOW = Foreign()

RESOURCE_SERVER = Foreign(
    ignored=_names(
        """
        access_token allow_online_access allow_online_access_with_ephemeral_sessions client_id id is_system
        signing_secret token_lifetime_for_anonymous_access_tokens token_lifetime_for_web verificationLocation
        """
    ),
    protective=_names(
        """
        authorization_details authorization_policy consent_policy enforce_policies
        require_consent_non_repudiation subject_type_authorization token_encryption
        """
    ),
    harmless_values={
        "subject_type_authorization": (
            {"user": {"policy": "allow_all"}},
            {"user": {"policy": "allow_all"}, "client": {"policy": "require_client_grant"}},
        ),
    },
)

CLIENT_GRANT = Foreign(
    ignored=_names("allow_all_scopes allow_any_organization created_at id is_system updated_at"),
    protective=_names("authorization_details_types organization_usage"),
    harmless_values={"organization_usage": ("allow", "deny")},
)

TENANT = Foreign(
    ignored=_names(
        """
        access_token acr_values_supported allow_organization_name_in_authentication_api
        authorization_response_iss_parameter_supported change_password client_id_metadata_document_supported
        client_id_metadata_document_dynamic_registration_supported country_codes customize_mfa_in_postlogin_action
        default_directory default_redirection_uri default_token_quota dpop_strict_refresh_token_binding
        dynamic_client_registration_security_mode enable_ai_guide enabled_locales ephemeral_session_lifetime
        error_page guardian_mfa_page idle_ephemeral_session_lifetime include_session_metadata_in_tenant_logs
        legacy_sandbox_version mtls oidc_logout phone_consolidated_experience picture_url
        pushed_authorization_requests_supported resource_parameter_profile sandbox_version
        sandbox_versions_available security_headers sessions skip_non_verifiable_callback_uri_confirmation_prompt
        support_email universal_login
        """
    ),
    protective=frozenset({"session_cookie"}),
    harmless_values={"session_cookie": ({"mode": "persistent"},)},
)

FLAGS = Foreign(
    ignored=_names(
        """
        allow_changing_enable_sso allow_legacy_delegation_grant_types allow_legacy_ro_grant_types
        allow_legacy_tokeninfo_endpoint change_pwd_flow_v1 custom_domains_provisioning dashboard_insights_view
        dashboard_log_streams_next disable_clickjack_protection_headers disable_fields_map_fix disable_impersonation
        disable_management_api_sms_obfuscation enable_adfs_waad_email_verification enable_apis_section
        enable_client_connections enable_custom_domain_in_emails enable_dynamic_client_registration enable_idtoken_api2
        enable_legacy_logs_search_v2 enable_legacy_profile enable_pipeline2 enable_public_signup_user_exists_error
        enable_sso enforce_client_authentication_on_passwordless_start genai_trial
        improved_signup_bot_detection_in_classic mfa_show_factor_list_on_enrollment
        new_universal_login_experience_enabled no_disclose_enterprise_connections remove_alg_from_jwks
        trust_azure_adfs_email_verified_connection_property universal_login use_scope_descriptions_for_consent
        """
    )
)
"""Of `tenant.flags`."""

IMPORTED_USER = Foreign(
    ignored=_names(
        """
        _id _tmp_is_unique app_metadata connection created_at email_lower family_name_lower id identities last_ip
        last_login last_password_reset logins_count multifactor_last_modified name_lower passwordHash
        password_set_date phone_verified provider tenant user_metadata username verify_email verify_phone
        """
    ),
    protective=_names("mfa_factors multifactor"),
)
"""Of an entry in Auth0's bulk imports, in its user exports, and in the files of hashes that its support hands out."""

USER = Foreign(
    ignored=_names(
        """
        app_metadata connection created_at identities last_ip last_login last_password_reset logins_count user_metadata
        username verify_email verify_phone
        """
    ),
    protective=frozenset({"multifactor"}),
)
