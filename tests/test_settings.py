"""All settings: checked at construction, read from the environment, and never showing a secret."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest

from tests.accounts.application import KEY, make_settings
from zenith.accounts import AccountSettings
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.settings import Settings
from zenith.stores.settings import DatabaseSettings
from zenith.transport import CorsSettings, TransportSettings

OLD = Secret("oJ4mQ8zPf2LkVb7NcXw5RtYs9HdGa3Ue6iTn1BpZvM0r")


def from_env(dotenv=None, **variables):
    named = {f"ZENITH_{name}": value for name, value in variables.items()}
    return Settings.from_env(named, dotenv=dotenv)


def test_defaults_are_for_development():
    settings = from_env()
    assert settings == Settings()
    assert (settings.env, settings.is_production, settings.is_https) == (
        "development",
        False,
        False,
    )
    assert settings.secrets == ()
    assert settings.database_or_embedded.url == Secret("sqlite:///.zenith/zenith.db")
    assert settings.migrates


ROUND_TRIPS = {
    "ENV": ("test", lambda s: s.env, "test"),
    "HOME": ("/var/lib/app", lambda s: s.home, Path("/var/lib/app")),
    "ORIGIN": ("https://App.Example.org:443/", lambda s: s.origin, "https://app.example.org"),
    "SECRET_KEY": (KEY.reveal(), lambda s: s.secret_key, KEY),
    "PREVIOUS_SECRET_KEYS": (OLD.reveal(), lambda s: s.previous_secret_keys, (OLD,)),
    "MAIL__HOST": ("smtp.example.org", lambda s: s.mail.host, "smtp.example.org"),
    "WORKERS": ("4", lambda s: s.workers, 4),
    "MIGRATE_AT_START": ("false", lambda s: s.migrate_at_start, False),
    "DATABASE__URL": ("sqlite:///x.db", lambda s: s.database.url, Secret("sqlite:///x.db")),
    "REDIS__URL": ("redis://h:1", lambda s: s.redis.url, Secret("redis://h:1")),
    "PASSWORDS__PROFILE": ("owasp", lambda s: s.passwords.profile, "owasp"),
    "PASSWORDS__ARGON2__TIME_COST": ("4", lambda s: s.passwords.argon2.time_cost, 4),
    "PASSWORDS__CONTEXT_WORDS": ("a, b", lambda s: s.passwords.context_words, ("a", "b")),
    "PASSWORDS__PEPPERS": (
        f'{{"1": "{OLD.reveal()}"}}',
        lambda s: s.passwords.peppers,
        {"1": OLD},
    ),
    "OAUTH__SIGN_UP": ("false", lambda s: s.oauth.sign_up, False),
    "SERVER__HEAD_TIMEOUT": ("2.5", lambda s: s.server.head_timeout, 2.5),
    "MFA__REQUIRED_ROLES": ("admin", lambda s: s.mfa.required_roles, ("admin",)),
    "ABUSE__LOCK_AFTER": ("60", lambda s: s.abuse.lock_after, 60),
    "ABUSE__BANS__ON_TRAP": ("5/60", lambda s: s.abuse.bans.on_trap, "5/60"),
    "ACCOUNTS__OPEN_REGISTRATION": ("no", lambda s: s.accounts.open_registration, False),
    "SESSIONS__IDLE_LIFETIME": ("3600", lambda s: s.sessions.idle_lifetime, 3600.0),
    "TOKENS__ALGORITHM": ("EdDSA", lambda s: s.tokens.algorithm, "EdDSA"),
    "API_KEYS__SCOPES": (
        "read:data, write:data",
        lambda s: s.api_keys.scopes,
        ("read:data", "write:data"),
    ),
    "RBAC__HIERARCHY": (
        '{"super_admin": 9, "admin": 8, "moderator": 7, "user": 2, "guest": 1}',
        lambda s: s.rbac.hierarchy["user"],
        2,
    ),
    "RBAC__PERMISSIONS": (
        '{"super_admin": ["*"], "user": ["posts:read"]}',
        lambda s: s.rbac.permissions["user"],
        ("posts:read",),
    ),
    "TRANSPORT__ALLOWED_HOSTS": (
        "a.example.org,b.example.org",
        lambda s: s.transport.allowed_hosts,
        ("a.example.org", "b.example.org"),
    ),
    "HEADERS__REFERRER_POLICY": ("no-referrer", lambda s: s.headers.referrer_policy, "no-referrer"),
    "HEADERS__EXTRA": ('{"X-Team": "a"}', lambda s: s.headers.extra, {"X-Team": "a"}),
    "HEADERS__PERMISSIONS": (
        '{"camera": ["self"]}',
        lambda s: s.headers.permissions["camera"],
        ("self",),
    ),
    "QUERY__CREATE_TABLES": ("no", lambda s: s.query.create_tables, False),
    "TENANTS__DOMAIN": ("example.org", lambda s: s.tenants.domain, "example.org"),
    "CORS__ORIGINS": (
        "https://a.example.com,https://*.example.org",
        lambda s: s.cors.origins,
        ("https://a.example.com", "https://*.example.org"),
    ),
    "ENCRYPTION__KEY_COMMAND": (
        "/usr/bin/vault,read,app",
        lambda s: s.encryption.key_command,
        ("/usr/bin/vault", "read", "app"),
    ),
    "OUTBOUND__PORTS": ("443,8443", lambda s: s.outbound.ports, (443, 8443)),
    "LOGS__SECRET_NAMES": ("iban,pin", lambda s: s.logs.secret_names, ("iban", "pin")),
    "CSRF__HEADER_NAME": ("X-Token", lambda s: s.csrf.header_name, "X-Token"),
    "RATE_LIMITS__PER_PRINCIPAL": ("9/hour", lambda s: s.rate_limits.per_principal, "9/hour"),
    "AUDIT__JSON_LINES": ("/var/log/a", lambda s: s.audit.json_lines, Path("/var/log/a")),
}


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_each_kind_of_field_comes_from_the_environment(name):
    text, read, expected = ROUND_TRIPS[name]
    found = read(from_env(**{name: text}))
    assert found == expected
    assert isinstance(found, Mapping if isinstance(expected, dict) else type(expected))


def test_every_section_can_be_reached():
    """A new section is either in the table above or deliberately not."""
    reached = {name.partition("__")[0].lower() for name in ROUND_TRIPS}
    assert reached == {item.name for item in fields(Settings)}


@pytest.mark.parametrize("name", ["transport", "headers", "csrf", "rate_limits", "audit", "mfa"])
@pytest.mark.parametrize("off", ["off", "none", ""])
def test_capabilities_can_be_turned_off(name, off):
    assert getattr(from_env(**{name.upper(): off}), name) is None


@pytest.mark.parametrize("name", ["abuse", "sessions", "accounts", "tokens", "passwords", "rbac"])
def test_what_everything_stands_on_cannot(name):
    with pytest.raises(ConfigurationError, match="group of settings"):
        from_env(**{name.upper(): "off"})


@pytest.mark.parametrize(
    ("variables", "problem", "fix"),
    [
        ({"SECRET_KEI": "x"}, "ZENITH_SECRET_KEI is no setting", "ZENITH_SECRET_KEY"),
        ({"SESSIONS_IDLE_LIFETIME": "1"}, "no setting", "ZENITH_SESSIONS__IDLE_LIFETIME"),
        ({"SESSIONS__IDLE": "1"}, "no setting", "ZENITH_SESSIONS__IDLE_LIFETIME"),
        (
            {"DATABASE__POOL_SIZE": "5"},
            "ZENITH_DATABASE__URL is not set",
            "none of ZENITH_DATABASE",
        ),
        ({"ENV": "prod"}, "ZENITH_ENV", "correct"),
        ({"WORKERS": "many"}, "ZENITH_WORKERS", "correct"),
        ({"WORKERS": "0"}, "ZENITH_WORKERS", "1 or more"),
    ],
)
def test_what_is_no_setting_is_refused_with_the_fix(variables, problem, fix):
    with pytest.raises(ConfigurationError, match=problem) as caught:
        from_env(**variables)
    assert fix in caught.value.fix


def test_variables_of_others_are_let_be():
    named = {"ZENITH_TEST_POSTGRES_URL": "x", "PATH": "/bin", "zenith_env": "production"}
    assert Settings.from_env(named, dotenv=None) == Settings()


def test_the_process_has_the_last_word_over_the_file(tmp_path, monkeypatch):
    dotenv = tmp_path / ".env"
    dotenv.write_text("ZENITH_WORKERS=2\nZENITH_ENV=test\nOTHER=1\nBARE\n", encoding="utf-8")
    settings = from_env(dotenv, WORKERS="3")
    assert (settings.workers, settings.env) == (3, "test")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(os.environ, "ZENITH_WORKERS", "5")
    settings = Settings.from_env()
    assert (settings.workers, settings.env) == (5, "test")


def test_nothing_in_the_file_is_expanded(tmp_path):
    dotenv = tmp_path / ".env"
    dotenv.write_text("ZENITH_AUDIT__JSON_LINES='${HOME}/a'\n", encoding="utf-8")
    settings = from_env(dotenv)
    assert settings.audit is not None
    assert settings.audit.json_lines == Path("${HOME}/a")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"ZENITH_SECRET_KEY\n", "ZENITH_SECRET_KEY has no value"),
        (b"A=\xff\xfe\n", "cannot be read"),
    ],
)
def test_files_that_cannot_be_read_are_refused(tmp_path, content, problem):
    dotenv = tmp_path / ".env"
    dotenv.write_bytes(content)
    with pytest.raises(ConfigurationError, match=problem):
        from_env(dotenv)
    assert from_env(tmp_path / "none") == Settings()


@pytest.mark.parametrize(
    ("origin", "written"),
    [
        ("http://localhost:8000", "http://localhost:8000"),
        ("HTTPS://App.Example.ORG:443/", "https://app.example.org"),
        ("http://app.example.org:80", "http://app.example.org"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_origins_are_kept_as_browsers_write_them(origin, written):
    settings = Settings(origin=origin)
    assert settings.origin == written
    assert settings.hostname in written
    assert settings.hostname.startswith("[") is ("[" in written)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "app.example.org",
        "ftp://app.example.org",
        "https://app.example.org/path",
        "https://app.example.org?x",
        "https://app.example.org#x",
        "https://me:hunter2@app.example.org",
        "https://app.example.org:0",
        "https://app.example.org:99999",
        "https://app.example.org:x",
        "https://[",
        "https://exa mple.org",
        "https://m\u00fcnchen.example",
    ],
)
def test_what_is_no_origin_is_refused_without_repeating_it(origin):
    with pytest.raises(ConfigurationError, match="ZENITH_ORIGIN is no origin") as caught:
        Settings(origin=origin)
    assert "hunter2" not in str(caught.value)


def test_an_environment_that_does_not_exist_is_not_development():
    with pytest.raises(ConfigurationError, match="ZENITH_ENV is 'prod'"):
        Settings(env="prod")


def test_new_accounts_are_no_administrators_and_hold_roles_that_exist():
    with pytest.raises(ConfigurationError, match="every visitor `super_admin`"):
        Settings(accounts=AccountSettings(default_roles=("super_admin",)))
    with pytest.raises(ConfigurationError, match="unknown role `owner`"):
        Settings(accounts=AccountSettings(default_roles=("owner",)))


def test_secrets_are_no_plain_text():
    with pytest.raises(ConfigurationError, match="ZENITH_SECRET_KEY is plain text") as caught:
        Settings(secret_key=KEY.reveal())
    assert KEY.reveal() not in str(caught.value)
    with pytest.raises(ConfigurationError, match="ZENITH_PREVIOUS_SECRET_KEYS"):
        Settings(previous_secret_keys=(Secret("short"),))


def test_no_secret_shows_in_a_repr(tmp_path):
    settings = make_settings(
        tmp_path,
        previous_secret_keys=(OLD,),
        database="postgresql://app:hunter2@db/app",
        redis="redis://:hunter2@cache",
    )
    shown = repr(settings) + str(settings)
    for secret in (KEY.reveal(), OLD.reveal(), "hunter2"):
        assert secret not in shown
    assert settings.secrets == (KEY, OLD)


def test_the_embedded_database_may_live_in_any_folder(tmp_path):
    from zenith.stores.sql.sqlite_engine import path_of

    home = tmp_path / "50% off? #1"
    assert path_of(make_settings(home).database_or_embedded) == home / "zenith.db"
    relative = Path("a b")
    assert path_of(make_settings(relative).database_or_embedded) == relative / "zenith.db"


@pytest.mark.parametrize(
    ("database", "env", "asked", "migrates"),
    [
        (None, "test", None, True),
        ("sqlite:///x.db", "production", None, True),
        ("postgresql://db/app", "production", None, False),
        ("postgresql://db/app", "development", None, True),
        ("postgresql://db/app", "production", True, True),
        (None, "test", False, False),
    ],
)
def test_only_production_on_postgresql_waits_for_the_operator(database, env, asked, migrates):
    from zenith.passwords import PasswordSettings

    settings = Settings(
        env=env,
        origin="https://app.example.org",
        secret_key=KEY,
        passwords=PasswordSettings(),
        database=None if database is None else DatabaseSettings(url=Secret(database)),
        migrate_at_start=asked,
    )
    assert settings.migrates is migrates


def test_a_role_that_demands_a_second_factor_must_exist():
    with pytest.raises(ConfigurationError, match=r"mfa\.required_roles names"):
        from_env(MFA__REQUIRED_ROLES="wizard")


def test_cross_origin_access_needs_its_questions_answered():
    refusing = TransportSettings(methods=("GET", "POST"))
    with pytest.raises(ConfigurationError, match="refuses every preflight"):
        Settings(cors=CorsSettings(), transport=refusing)
    assert Settings(cors=CorsSettings(), transport=None).cors == CorsSettings()
    assert Settings(transport=refusing).cors is None
