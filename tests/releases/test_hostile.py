"""What hostile people send to the Hub's routes and to links: nothing opens, nothing breaks."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from sqlmodel import select

from accounts import tokens
from accounts.models import Organisation
from core.clock import now
from releases import links
from releases.delivery_models import ReleaseDownload, Way
from releases.downloads import Reader
from releases.models import ReleaseSeries
from releases.series import _names
from tests.factories.releases import make_ml_team
from tests.factories.tokens import make_token

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture
def secret(session, team):
    _, secret = make_token(session, *team)
    session.commit()
    return secret


@pytest.fixture
def ask(client, secret):
    """Ask as somebody; return the status, what a client reads of the head, and the body."""

    def ask(path, method="get", token=secret, **more):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = getattr(client, method)(
            path, headers=headers | more.pop("headers", {}), buffered=True, **more
        )
        answer.close()
        return answer

    return ask


def name_of(release):
    return f"{release.facts['organisation']['slug']}/{release.facts['name']}"


def file_of(release):
    return next(one for one in release.facts["files"] if one["path"].endswith(".parquet"))


def addresses(name):
    return [
        f"/api/datasets/{name}",
        f"/api/datasets/{name}/revision/main",
        f"/api/datasets/{name}/revision/v9.9.9",
        f"/api/datasets/{name}/tree/main",
        f"/api/datasets/{name}/tree/main/data?recursive=true",
        f"/api/datasets/{name}/refs",
        f"/api/datasets/{name}/commits/main",
        f"/api/datasets/{name}/auth-check",
        f"/api/datasets/{name}/croissant",
        f"/datasets/{name}/resolve/main/README.md",
        f"/datasets/{name}/resolve/v9.9.9/no.file",
    ]


def test_what_one_may_not_read_cannot_be_told_from_what_is_not_there(ask, session, release):
    """Same status, same words, same head for a name that is and one that is not."""
    _, stranger = make_token(session, *make_ml_team(session, name="Eve"))
    revoked, ended = make_token(session, *make_ml_team(session, name="Bob"))
    tokens.revoke(session, revoked, by=None, at=now() - timedelta(seconds=1))
    session.commit()
    private, owner = name_of(release), release.facts["organisation"]["slug"]
    for token, status in ((stranger, 404), (None, 401), (ended, 401), ("dy_wrong", 401)):
        for name in ("no-body/nothing", f"{owner}/nothing", private.upper()):
            # Tries with bad tokens are counted, and soon refused for a while: some are enough.
            asked = slice(None) if status == 404 else slice(0, None, 9)
            for real, made_up in zip(
                addresses(private)[asked], addresses(name)[asked], strict=True
            ):
                for method in ("get", "head") if name == "no-body/nothing" else ("get",):
                    one, other = (ask(path, method, token) for path in (real, made_up))
                    assert (one.status_code, other.status_code) == (status, status), real
                    assert one.data == other.data
                    heads = [
                        {k: v for k, v in answer.headers if k not in ("Date", "X-Request-Id")}
                        for answer in (one, other)
                    ]
                    heads = [{k: v for k, v in h.items() if "nonce" not in v} for h in heads]
                    assert heads[0] == heads[1], real
    assert session.exec(select(ReleaseDownload)).all() == []


def test_no_trick_with_names_revisions_or_paths_opens_or_breaks_anything(ask, release):
    name = name_of(release)
    owner, _, own = name.partition("/")
    base, api, path = f"/datasets/{name}/resolve", f"/api/datasets/{name}", file_of(release)["path"]
    nasty = [
        "..",
        "../..",
        "%2e%2e%2f",
        "\0",
        "a\0",
        "\u202emain",
        "ｍａｉｎ",
        "MAIN",
        "~",
        "*",
        "%",
        "%00",
        "-1",
        "None",
        "vNone",
        "v",
        "refs/tags/",
        "refs/tags/refs/tags/v1.0.0",
        "main/../..",
        "\\",
        "'; drop table release;--",
        "{{7*7}}",
        "\r\nX-A: b",
        "é" * 400,
        release.commit[:39],
        release.commit.upper(),
        "\ud83d".encode("utf-8", "replace").decode(),
    ]
    asked = [f"{api}/revision/{quote(one)}" for one in nasty]
    asked += [f"{api}/tree/{quote(one, safe='')}" for one in nasty[:8]]
    asked += [f"{api}/tree/main/{quote(one)}" for one in nasty if one.strip("/")]
    asked += [f"{api}/croissant?revision={quote(one, safe='')}" for one in nasty[:8]]
    asked += [f"{base}/{quote(one, safe='')}/README.md" for one in nasty]
    asked += [f"{base}/main/{quote(one)}" for one in nasty]
    asked += [f"{base}/main/{quote(one)}/{path}" for one in nasty[:4]]
    asked += [f"{base}/main/{path}{quote(one)}" for one in nasty[2:6]]
    asked += [f"/api/datasets/{quote(one, safe='')}/{own}" for one in nasty]
    asked += [f"/api/datasets/{owner}/{quote(one, safe='')}" for one in nasty]
    asked += [
        f"{base}/main/{one}"
        for one in (
            "//etc/passwd",
            "./README.md",
            "data/./",
            "README.md/",
            ".SHA256SUMS",
            "data/..%2fREADME.md",
            "formats/../README.md",
            "formats/csv/../../x",
        )
    ]
    for one in asked:
        assert ask(one).status_code in (404, 308), one
    for one in ("-1", "9" * 40, "x", "%00"):
        assert ask(f"{api}/tree/main?cursor={one}").status_code == 200
    assert ask("/api/datasets?search=%00%25_&author=%00").status_code == 200


def test_lists_of_paths_are_read_whatever_they_hold(ask, release):
    at = f"/api/datasets/{name_of(release)}/paths-info/main"
    json = {"content_type": "application/json"}

    assert ask(at, "post", data=b"[" * 100_000, **json).json == []
    assert ask(at, "post", data=b"{", **json).json == []
    assert ask(at, "post", json={"paths": [None, {"a": 1}, ["\0"], "../README.md"]}).json == []
    assert len(ask(at, "post", json={"paths": ["README.md"] * 5_000}).json) == 1


def test_ranges_are_read_as_the_standard_says_and_never_more_than_there_is(ask, release):
    file = file_of(release)
    at, size = f"/datasets/{name_of(release)}/resolve/main/{file['path']}", file["size"]
    many = ",".join(f"{one}-{one}" for one in range(1_000))
    for said, status, length in (
        ("bytes=-65536000000", 206, size),  # readers of Parquet ask for more than there is
        ("bytes=-4", 206, 4),
        (f"bytes=0-{'9' * 30}", 206, size),
        ("items=0-1", 200, size),
        ("bytes=-0", 416, None),
        ("bytes=5-2", 416, None),
        ("bytes=--1", 416, None),
        (f"bytes={size}-", 416, None),
        (f"bytes={many}", 416, None),
    ):
        answer = ask(at, headers={"Range": said})
        assert answer.status_code == status, said
        if length is not None:
            assert len(answer.data) == length, said


def test_only_a_bearers_token_in_the_head_counts(client, ask, sign_in, team, secret, release):
    at = f"/datasets/{name_of(release)}/resolve/main/README.md"
    for header in (
        "",
        "Bearer",
        f"Basic {secret}",
        secret,
        f"Bearer {secret.swapcase()}",
        f"Bearer {secret} x",
        f"Bearer {'a' * 9000}",
        "Bearer \xff",
    ):
        assert client.get(at, headers={"Authorization": header}).status_code == 401, header
    assert client.get(f"{at}?token={secret}&access_token={secret}").status_code == 401
    assert sign_in(team[0]).get(at).status_code == 401  # a cookie is no token
    for method in ("post", "put", "delete", "patch"):
        assert ask(at, method).status_code == 405


def test_a_link_has_one_form_and_opens_one_release(app, client, team, release):
    reader = Reader(team[1].id, Way.LINK, team[0].id)
    key = links.make(app.secret_key, release, reader, until=now() + timedelta(hours=1))
    other = links.make("x" * 40, release, reader, until=now() + timedelta(hours=9))
    said, _, signed = key.partition(".")

    def status(key, path="README.md"):
        answer = client.get(f"/release-files/{key}/{path}", buffered=True)
        answer.close()
        return answer.status_code

    assert status(key) == 200
    for changed in [
        *(key[:-1] + one for one in LETTERS if one != key[-1]),
        f"{said[:-1]}.{signed}",
        f"{said}=.{signed}",
        f"{said}.{signed}=",
        f".{said}.{signed}",
        f"{key}.{signed}",
        f"{said}.",
        f"{other.partition('.')[0]}.{signed}",
        other,
        f"{key}%00",
        f"{key} ",
        "x" * 3000,
        "%00",
        ".",
        "é.é",
    ]:
        assert status(changed) == 404, changed
    for path in ("%2e%2e/README.md", "data/..%2fREADME.md", "%00", "readme.md", "README.md%00"):
        assert status(key, path) == 404, path


@pytest.mark.parametrize(
    "title",
    [
        "../../etc/passwd",
        "données médicales",
        "医療データ",
        "❤",
        "  ",
        "a" * 500,
        "CON",
        "x--y..z.git",
        "\u202egnp.exe",
        "a\0b",
        "<script>",
        "-._-",
        "Ünï/çødé",
        "a\r\nX-Injected: 1",
    ],
)
def test_whatever_a_project_is_called_its_dataset_has_a_name_that_the_hub_takes(title):
    names = [name for name, _ in zip(_names(title), range(3), strict=False)]

    for name in names:
        # As `huggingface_hub.utils.validate_repo_id` asks, and less.
        assert name.replace("-", "").isascii()
        assert name.replace("-", "").isalnum()
        assert (name.strip("-"), "--" in name, len(name) <= 96) == (name, False, True)


def test_names_of_organisations_and_series_are_compared_to_the_letter(session, ask, release):
    series = session.exec(select(ReleaseSeries)).one()
    owner = session.get_one(Organisation, series.organisation_id)
    for name in (
        f"{owner.slug}%20/{series.name}",
        f"{owner.slug}/{series.name}%0a",
        f"{owner.slug}/%25",
        f"{owner.slug[:-1]}_/{series.name}",
    ):
        assert ask(f"/api/datasets/{name}").headers["X-Error-Code"] == "RepoNotFound"
