"""ministack ignores expiry, recovery and encryption, and accepts any table: what deploys there can still be wrong."""

from local.template import Template

TABLES = "AWS::DynamoDB::Table"
EXPIRING = {"FamiliesTable", "SessionsTable", "CodesTable", "DeviceCodesTable", "LoginAttemptsTable", "SingleUseTable"}
EXPIRING |= {"PushedRequestsTable"}
KEYS = {
    "FamiliesTable": ("user_key", "family_id"),
    "SessionsTable": ("user_key", "session_id"),
    "CodesTable": ("code_digest",),
    "DeviceCodesTable": ("code",),
    "PushedRequestsTable": ("digest",),
    "UsersTable": ("user_id",),
    "GrantsTable": ("user_key", "grant_id"),
    "LoginAttemptsTable": ("bucket",),
    "SingleUseTable": ("digest",),
    "ConfigurationTable": ("kind", "id"),
}


def test_what_expires_is_deleted_by_expires_at_and_nothing_else_is(template: Template) -> None:
    by_table = {name: table.get("TimeToLiveSpecification") for name, table in template.of_type(TABLES).items()}

    expiry = {"AttributeName": "expires_at", "Enabled": True}
    assert by_table == {name: expiry if name in EXPIRING else None for name in KEYS}


def test_every_table_can_be_restored_to_any_second(template: Template) -> None:
    for name, table in template.of_type(TABLES).items():
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, name


def test_every_table_is_encrypted_with_a_key_whose_use_is_on_record(template: Template) -> None:
    for name, table in template.of_type(TABLES).items():
        assert table["SSESpecification"] == {"SSEEnabled": True}, name


def test_every_table_is_protected_from_deletion_when_the_parameter_says_so(template: Template) -> None:
    for name, table in template.of_type(TABLES).items():
        assert table["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}, name


def test_every_table_is_paid_by_use(template: Template) -> None:
    for name, table in template.of_type(TABLES).items():
        assert table["BillingMode"] == "PAY_PER_REQUEST", name


def test_tables_have_the_keys_that_the_adapters_write(template: Template) -> None:
    """Partition key first; every key attribute is a string."""
    keys = {
        name: tuple(part["AttributeName"] for part in sorted(table["KeySchema"], key=lambda part: part["KeyType"]))
        for name, table in template.of_type(TABLES).items()
    }
    types = {
        one["AttributeType"] for table in template.of_type(TABLES).values() for one in table["AttributeDefinitions"]
    }

    assert keys == KEYS
    assert types == {"S"}


def test_only_what_lives_for_minutes_goes_with_the_stack(template: Template) -> None:
    """Users, consent, configuration, sessions, families and keys survive its deletion and their own replacement."""
    lasting = {
        name: (one.get("DeletionPolicy"), one.get("UpdateReplacePolicy"))
        for name, one in template.resources.items()
        if one["Type"] in {TABLES, "AWS::SecretsManager::Secret"}
    }

    gone = {name for name, policies in lasting.items() if policies == ("Delete", "Delete")}
    kept = {name for name, policies in lasting.items() if policies == ("RetainExceptOnCreate", "Retain")}
    assert gone == {"CodesTable", "DeviceCodesTable", "PushedRequestsTable", "LoginAttemptsTable", "SingleUseTable"}
    assert gone | kept == set(lasting)


def test_nothing_else_stays_behind(template: Template) -> None:
    """Log groups, the bus and roles are found by their names: a stack that is made anew could not make them again."""
    stateful = {TABLES, "AWS::SecretsManager::Secret"}
    staying = [
        name for name, one in template.resources.items() if one["Type"] not in stateful and "DeletionPolicy" in one
    ]

    assert not staying
