"""Who is in the demo: an operator, an owner, an ML team, and experts of law."""

import os
import subprocess
import sys
from pathlib import Path

from demo import people, state
from demo.expert import Person
from demo.stack import ROOT
from demo.visitor import Visitor

DOMAIN = "demo.example"
EXPERTS = (
    Person("Camille Moreau", "camille", "Lawyer, software licences", skill=0.96),
    Person("Jonas Weber", "jonas", "In-house counsel, open source", skill=0.94),
    Person("Aisha Khan", "aisha", "Solicitor, technology contracts", skill=0.92),
    Person("Luca Rossi", "luca", "Lawyer, intellectual property", skill=0.9),
    Person("Noor de Vries", "noor", "Lawyer, family law", knows_law=False),
)


def operator(base: str, folder: Path) -> Visitor:
    """Return the operator, signed in; at the first time the command line makes them one."""
    email, password = f"operator@{DOMAIN}", state.load(folder).password
    visitor = people.arrive(
        base, name="Demo Operator", email=email, role="expert", password=password
    )
    if not visitor.open("/home").links(r"/operator"):
        _doyen(folder, "operator", email)
    return visitor


def owner(base: str, folder: Path, *, run: str = "") -> Visitor:
    """Return the owner of a run, signed in."""
    return people.arrive(
        base,
        name="Demo Owner",
        email=f"owner{run}@{DOMAIN}",
        role="owner",
        password=state.load(folder).password,
        organisation=f"Clause Works{run.replace('-', ' ')}",
    )


def ml_team(base: str, folder: Path, *, run: str = "") -> Visitor:
    """Return the ML team of a run, signed in."""
    return people.arrive(
        base,
        name="Demo Team",
        email=f"team{run}@{DOMAIN}",
        role="ml_team",
        password=state.load(folder).password,
        organisation=f"Northlight Models{run.replace('-', ' ')}",
    )


def expert(base: str, folder: Path, person: Person, *, run: str = "") -> Visitor:
    """Return an expert of a run, signed in."""
    return people.arrive(
        base,
        name=person.name,
        email=f"{person.key}{run}@{DOMAIN}",
        role="expert",
        password=state.load(folder).password,
    )


def slug_of(visitor: Visitor) -> str:
    """Return the name in addresses of a person's organisation."""
    page = visitor.open("/account")
    page = visitor.open(page.links(r"/organisations/\d+$")[0])
    return page.text.split("“", 1)[1].split("”", 1)[0]


def _doyen(folder: Path, *arguments: str) -> None:
    """Run a command of the demo's instance, with the environment that the stack noted."""
    subprocess.run(
        [sys.executable, str(ROOT / "app.py"), *arguments],
        env=os.environ | state.settings(folder),
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
