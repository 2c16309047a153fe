"""The pages of item banks: written, checked, published, taken back; and whose they are."""

import copy
import io
import re

import pytest
from bs4 import BeautifulSoup
from sqlmodel import select

from accounts.models import MemberRole
from core.models import AuditEvent
from experts.fields import Field
from interviews import bank_drafts, banks, items
from interviews.bank_models import BankDraft, BankPublication
from tests.factories.accounts import make_member, make_owner, make_user
from tests.factories.banks import make_bank, make_publication, own_items
from tests.factories.interviews import make_interview

LAW = items.banks()[Field.LAW]
ADAPTIVE = True


def fields(page, selector="form[data-bank-item]"):
    """Everything that a browser would send of a form."""
    form = BeautifulSoup(page.text, "html.parser").select_one(selector)
    sent = []
    for field in form.select("input[name], textarea[name], select[name]"):
        kind = field.get("type", "")
        if kind in ("checkbox", "radio") and not field.has_attr("checked"):
            continue
        if field.name == "select":
            chosen = field.select_one("option[selected]") or field.select_one("option")
            sent.append((field["name"], chosen["value"]))
        else:
            value = field.get("value", "") if field.name == "input" else field.text.lstrip("\n")
            sent.append((field["name"], value))
    return sent


def changed(sent, **changes):
    names = {name.replace("__", "."): value for name, value in changes.items()}
    return many([(name, value) for name, value in sent if name not in names] + list(names.items()))


def many(pairs):
    found = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def operator_and_bank(session, sign_in, **how):
    user = make_user(session, "operator", **how)
    return sign_in(user), make_bank(session, by=user)


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_every_page_opens(session, sign_in, locale):
    client, draft = operator_and_bank(session, sign_in, locale=locale)
    make_publication(session, draft)
    one = f"/item-banks/{draft.id}"

    assert 'href="/operator/interviews" aria-current="true"' in client.get(one).text
    for path in (
        "/item-banks", one, f"{one}?q=licence&sort=given&state=all&lacks=fr", f"{one}/rules",
        f"{one}/publish", f"{one}/versions", f"{one}/versions/3", f"{one}/files",
        f"{one}/items/law-001/versions", f"{one}?page=2", f"{one}?kind=case",
    ):  # fmt: skip
        assert client.get(path).status_code == 200, path
    for item_id in ("law-001", "law-003", "law-004", "law-005", "law-006", "law-008", "law-016"):
        assert client.get(f"{one}/items/{item_id}").status_code == 200


@pytest.mark.parametrize(
    "item_id", ["law-001", "law-003", "law-004", "law-005", "law-006", "law-008", "law-016"]
)
def test_an_item_that_is_saved_as_it_is_does_not_change(session, sign_in, item_id):
    client, draft = operator_and_bank(session, sign_in)
    path = f"/item-banks/{draft.id}/items/{item_id}"

    response = client.post(path, data=many(fields(client.get(path))))

    assert response.status_code == 302
    session.refresh(draft)
    assert draft.revision == 1


def test_a_change_counts_once_it_is_published(session, sign_in):
    client, draft = operator_and_bank(session, sign_in)
    running = make_interview(session)
    path = f"/item-banks/{draft.id}/items/law-001"
    client.post(path, data=changed(fields(client.get(path)), title__en="A better title"))

    assert banks.current(session, Field.LAW).item("law-001").title.en != "A better title"
    publish = f"/item-banks/{draft.id}/publish"
    page = client.get(publish)
    assert "A better title" in page.text
    sent = changed(fields(page, "form:has(#note)"), note="Clearer.")
    response = client.post(publish, data=sent)

    assert response.status_code == 302
    now = banks.current(session, Field.LAW)
    assert (now.version, now.item("law-001").title.en) == (3, "A better title")
    assert now.rule == LAW.rule
    assert running.edition == LAW.digest
    assert make_interview(session).edition == now.digest
    again = client.post(publish, data=sent)  # a second click leads to what the first has made
    assert again.location == response.location
    other = client.post(publish, data=sent | {"note": ["Something else."]})
    assert other.status_code == 409
    assert len(session.exec(select(BankPublication)).all()) == 1
    acts = session.exec(select(AuditEvent.action)).all()
    assert acts.count("item_bank.published") == 1


def test_buttons_add_and_remove_rows_and_lose_nothing(session, sign_in):
    client, draft = operator_and_bank(session, sign_in)
    path = f"/item-banks/{draft.id}/items/law-001"
    sent = changed(fields(client.get(path)), title__en="Half typed", act="add:question.options")

    client.post(path, data=sent)
    page = client.get(path)

    assert 'value="Half typed"' in page.text
    assert 'id="question.options.e.en"' in page.text
    assert "Write this." in page.text
    sent = changed(fields(page), act="remove:question.options:b")
    client.post(path, data=sent)
    page = client.get(path)
    assert 'id="question.options.b.en"' not in page.text
    assert "Say which answer is right." in page.text


def test_the_second_of_two_people_sees_both_texts(session, sign_in):
    client, draft = operator_and_bank(session, sign_in)
    other = sign_in(make_user(session, "operator"))
    path = f"/item-banks/{draft.id}/items/law-001"
    first, second = fields(client.get(path)), fields(other.get(path))
    client.post(path, data=changed(first, title__en="The first title"))

    response = other.post(path, data=changed(second, title__en="The second title"))

    assert response.status_code == 409
    assert "The first title" in response.text
    assert 'value="The second title"' in response.text
    session.refresh(draft)
    assert "The first title" in draft.content
    # Saving once more is a choice, now that both were read.
    assert other.post(path, data=many(fields(response))).status_code == 302
    session.refresh(draft)
    assert "The second title" in draft.content


def test_two_people_on_two_items_do_not_meet(session, sign_in):
    client, draft = operator_and_bank(session, sign_in)
    one, two = (f"/item-banks/{draft.id}/items/law-00{n}" for n in (1, 3))
    first, second = fields(client.get(one)), fields(client.get(two))
    client.post(one, data=changed(first, title__en="One"))

    assert client.post(two, data=changed(second, title__en="Two")).status_code == 302
    session.refresh(draft)
    assert '"One"' in draft.content
    assert '"Two"' in draft.content


def test_a_new_item_is_written_tried_and_published(session, sign_in):
    client, draft = operator_and_bank(session, sign_in)
    where = client.post(
        f"/item-banks/{draft.id}/items", data={"kind": "short", "once": "k"}
    ).location
    assert where.endswith("/law-501")
    again = client.post(f"/item-banks/{draft.id}/items", data={"kind": "short", "once": "k"})
    assert again.location == where
    page = client.get(where)
    assert "to put right before" not in page.text
    words = {
        "title": "A notice", "explanation": "Because.", "question.prompt": "What is needed?",
        "question.checks.c1.words": "Names it", "question.checks.c2.words": "Says when",
        "question.accepted": "A notice in writing, at once.", "question.refused": "Nothing.",
    }  # fmt: skip
    typed = {f"{n}.{lang}": f"{w} {lang}" for n, w in words.items() for lang in ("en", "fr")}
    typed |= {"source": "A book", "question.checks.c1.forms": "Notice*\nAvis écrit + Délai"}
    typed |= {"question.checks.c2.forms": "at once"}
    sent = {name: [value] for name, value in typed.items()}
    client.post(where, data={**many(fields(page)), **sent})

    page = client.get(where)
    assert "to put right before" not in page.text
    assert "avis ecrit + delai" in page.text
    tried = client.post(
        f"{where}/try", data={"position": "1", "answer": "A notice.", "language": "en"}
    )
    assert "50%" in tried.text
    assert "Names it" in tried.text
    publish = f"/item-banks/{draft.id}/publish"
    sent = changed(fields(client.get(publish), "form:has(#note)"), note="One more.")
    assert client.post(publish, data=sent).status_code == 302
    assert banks.current(session, Field.LAW).item("law-501").kind == "short"


def test_retired_items_stay_and_are_asked_no_more(session, sign_in):
    client, draft = operator_and_bank(session, sign_in)
    one = f"/item-banks/{draft.id}/items/law-003"
    for _click in range(2):
        assert client.post(f"{one}/retire").status_code == 302
    assert client.post(f"{one}/discard").status_code == 409
    publish = f"/item-banks/{draft.id}/publish"
    sent = changed(fields(client.get(publish), "form:has(#note)"), note="Too easy.")
    assert client.post(publish, data=sent).status_code == 302

    now = banks.current(session, Field.LAW)
    assert "law-003" not in {item.id for item in now.items}
    assert [item.id for item in now.retired] == ["law-003"]
    made = client.post(f"/item-banks/{draft.id}/items", data={"kind": "single"}).location
    sent = many(fields(client.get(made), 'form[action$="/discard"]'))
    for _click in range(2):
        assert client.post(f"{made}/discard", data=sent).location == f"/item-banks/{draft.id}"
    assert client.post(f"{one}/restore").status_code == 302
    session.refresh(draft)
    assert not bank_drafts.is_retired(bank_drafts.content_of(draft), "law-003")


def test_a_changed_rule_gets_the_next_version(session, sign_in):
    client, draft = operator_and_bank(session, sign_in)
    path = f"/item-banks/{draft.id}/rules"
    page = client.get(path)
    sent = changed(fields(page, "form:has(#rule\\.pass_mark)"), rule__pass_mark="65")
    assert client.post(path, data=sent).status_code == 302
    publish = f"/item-banks/{draft.id}/publish"
    page = client.get(publish)
    assert "gets its next version" in page.text
    client.post(publish, data=changed(fields(page, "form:has(#note)"), note="Stricter."))

    rule = banks.current(session, Field.LAW).rule
    assert (rule.pass_mark, rule.name) == (0.65, "LW-1/3")


def test_nonsense_in_the_rules_is_kept_and_told(session, sign_in):
    client, draft = operator_and_bank(session, sign_in)
    path = f"/item-banks/{draft.id}/rules"
    sent = fields(client.get(path), "form:has(#rule\\.pass_mark)")
    typed = {"rule__pass_mark": "lots", "retakes__attempts": "0", "template__adaptive__least": "99"}
    typed |= {"rule__floor": "150"}
    client.post(path, data=changed(sent, **typed))

    page = client.get(path)
    assert 'value="lots"' in page.text
    assert "At least 1." in page.text
    assert "At most 100." in page.text
    assert "at most half of the items" in page.text
    publish = client.post(f"/item-banks/{draft.id}/publish", data={"note": "x", "revision": "2"})
    assert publish.status_code == 409
    assert "cannot be published yet" in publish.text


def test_a_mark_that_nobody_can_reach_is_not_published(session, sign_in):
    client, draft = operator_and_bank(session, sign_in)
    path = f"/item-banks/{draft.id}/rules"
    sent = fields(client.get(path), "form:has(#rule\\.pass_mark)")
    client.post(path, data=changed(sent, rule__pass_mark="97"))

    page = client.get(f"/item-banks/{draft.id}/publish")

    assert "who answers everything right comes to it" in page.text
    assert not page.text.count('name="note"')


def test_what_is_wrong_is_named_as_the_page_names_it(session, sign_in):
    client, draft = operator_and_bank(session, sign_in)
    for item_id, emptied, named in (
        ("law-001", "question.options.b.fr", "Option 2, French"),
        ("law-004", "question.options.{last}.fr", "Line 1, French"),
        ("law-006", "question.checks.{first}.forms", "Check 1, Forms"),
        ("law-008", "question.parts.{first}.prompt.en", "Question 1, Question, English"),
    ):
        path = f"/item-banks/{draft.id}/items/{item_id}"
        sent = fields(client.get(path))
        rows = [
            v for n, v in sent if n in ("question.options", "question.checks", "question.parts")
        ]
        name = emptied.format(first=rows[0] if rows else "", last=rows[0] if rows else "")
        client.post(path, data=many([(n, "" if n == name else v) for n, v in sent]))

        assert f">{named}</a>" in client.get(path).text
        assert named in client.get(f"/item-banks/{draft.id}/publish").text
    assert "At least 1 is needed." in client.get(f"/item-banks/{draft.id}/items/law-006").text


def test_a_version_can_be_taken_back(session, sign_in):
    client, draft = operator_and_bank(session, sign_in)
    make_publication(session, draft)
    make_publication(session, draft, note="Once more.")
    client.post(f"/item-banks/{draft.id}/items", data={"kind": "single"})

    response = client.post(f"/item-banks/{draft.id}/versions/3/take-back")

    assert response.status_code == 302
    session.refresh(draft)
    content = bank_drafts.content_of(draft)
    assert content["items"][0]["title"]["en"] == f"{LAW.items[0].title.en} again"
    assert [item["id"] for item in content["retired"]] == ["law-501"]
    page = client.get(f"/item-banks/{draft.id}/items/law-001/versions")
    assert "again again" in page.text
    client.post(f"/item-banks/{draft.id}/items/law-001/versions/4/take-back")
    session.refresh(draft)
    assert "again again" in draft.content


def test_a_file_comes_back_as_it_went_out(session, sign_in):
    client, draft = operator_and_bank(session, sign_in)
    path = f"/item-banks/{draft.id}"
    taken = client.get(f"{path}/bank.json").data
    sent = {"what": "json", "file": (io.BytesIO(taken), "bank.json")}

    assert client.post(f"{path}/files", data=sent).status_code == 302
    session.refresh(draft)
    assert items.Bank.model_validate_json(draft.content) == LAW
    assert "Nothing differs." in client.get(f"{path}/publish").text
    table = client.get(f"{path}/bank.csv").data
    sent = {"what": "csv", "file": (io.BytesIO(table), "bank.csv")}
    assert client.post(f"{path}/files", data=sent).status_code == 302
    assert "Nothing differs." in client.get(f"{path}/publish").text


@pytest.mark.parametrize(
    ("what", "sent", "said"),
    [
        ("json", b"", "Choose a file"),
        ("json", b"\xff\xfe", "not a file in JSON"),
        ("json", b"{", "cannot be read from line 1, column 2 on"),
        ("json", b"[" * 100_000, "not a file in JSON"),
        ("json", b'{"field": NaN}', "not a file in JSON"),
        ("json", b'{"field": "law"}', "lacks these parts"),
        ("json", b'{"field": "medicine", "template": 1, "rule": 1, "retakes": 1,'
                 b' "competencies": {}, "items": []}', "another field"),
        ("json", b'{"field": "law", "template": 1, "rule": [], "retakes": null,'
                 b' "competencies": {"x": 3}, "items": [{"id": 7, "question": {"kind": "odd"}}]}',
         "Nothing was brought in"),
        ("json", b'{"field": "law", "template": 1, "rule": 1, "retakes": 1,'
                 b' "competencies": {}, "items": [3]}', "a list of objects"),
        ("json", b'{"field": "law\\u0000"}', "does not hold a bank"),
        ("csv", b"a,b\n1,2\n", "These columns are not known"),
        ("csv", b"\xff", "not a table in CSV"),
        ("csv", b"competency,kind,title_en,right\ncontract,single,T,1\n", "Line 2"),
    ],
    ids=lambda value: str(len(value)),
)  # fmt: skip
def test_a_file_that_cannot_be_used_changes_nothing(session, sign_in, what, sent, said):
    client, draft = operator_and_bank(session, sign_in)

    data = {"what": what, "file": (io.BytesIO(sent), "x")}
    response = client.post(f"/item-banks/{draft.id}/files", data=data)

    assert response.status_code == 422
    assert said in response.text
    session.refresh(draft)
    assert draft.revision == 1


def test_a_newer_starter_bank_is_told_of_and_overwrites_nothing(session, sign_in, monkeypatch):
    client, draft = operator_and_bank(session, sign_in)
    content = LAW.model_dump()
    content["version"] = 9
    content["items"].append({**copy.deepcopy(content["items"][2]), "id": "law-041"})
    content["items"][-1]["question"]["prompt"]["en"] += " Again."
    content["items"][-1]["question"]["prompt"]["fr"] += " Encore."
    newer = items.Bank.model_validate(content)
    make_publication(session, draft)
    monkeypatch.setattr(items, "banks", lambda: {Field.LAW: newer})

    assert banks.current(session, Field.LAW).version == 3
    page = client.get(f"/item-banks/{draft.id}")
    assert "1 item is new." in page.text
    client.post(f"/item-banks/{draft.id}/starter", data={"how": "new"})
    session.refresh(draft)
    content = bank_drafts.content_of(draft)
    assert content["items"][-1]["id"] == "law-041"
    assert content["items"][0]["title"]["en"].endswith(" again")
    assert "newer starter bank" not in client.get(f"/item-banks/{draft.id}").text


def test_an_organisation_keeps_its_bank_to_itself(session, sign_in):
    owner, organisation = make_owner(session)
    client = sign_in(owner)
    where = client.post(
        "/item-banks", data={"field": "law", "organisation": organisation.id}
    ).location
    draft = session.exec(select(BankDraft)).one()
    content = bank_drafts.content_of(draft)
    assert content["items"] == []
    assert content["rule"]["code"] == f"OB-{draft.id}"
    assert LAW.items[0].explanation.en not in client.get(where).text
    own_items(draft, LAW.model_dump(mode="json")["items"])
    session.flush()
    make_publication(session, draft, by=owner)

    assert banks.of_organisation(session, organisation.id)[Field.LAW].rule.code.startswith("OB-")
    used = banks.edition_to_use(session, Field.LAW, organisation_id=organisation.id, own=True)
    assert used.items[0].id == "ola-001"
    assert banks.current(session, Field.LAW) == LAW
    member = make_member(session, organisation, role=MemberRole.MEMBER)
    another, _theirs = make_owner(session)
    for user in (member, another, make_user(session, "operator"), make_user(session, "expert")):
        stranger = sign_in(user)
        for path in ("", "/bank.json", "/items/ola-001", "/rules"):
            assert stranger.get(f"{where}{path}").status_code in (403, 404), path
        assert stranger.post(f"{where}/items/ola-001/retire").status_code in (403, 404)
    mine = make_bank(session)
    assert client.get(f"/item-banks/{mine.id}").status_code == 404
    begun = {"field": "law", "organisation": ""}
    assert client.post("/item-banks", data=begun).status_code == 404


def test_candidates_never_see_keys(session, sign_in):
    user = make_user(session, "operator")
    draft = make_bank(session, by=user)
    make_publication(session, draft)
    expert = make_user(session, "expert")
    interview = make_interview(session, expert)

    page = sign_in(expert).get(f"/interviews/{interview.id}").text

    bank = banks.current(session, Field.LAW)
    item = bank.item(interview.plan[0]["item"])
    assert item.explanation.en not in page
    assert not re.search(r'"answer":', page)


def test_a_version_that_no_column_holds_is_not_there(session, sign_in):
    bank = make_bank(session)
    session.commit()
    client = sign_in(make_user(session, "operator"))

    assert client.get(f"/item-banks/{bank.id}/versions/{2**31}").status_code == 404
