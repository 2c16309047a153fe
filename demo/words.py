"""What the demo's project says: its brief, its guidelines, its labels."""

from demo import clauses

TITLE = "Clauses of software licences"
BRIEF = (
    "Say what kind of clause each passage of a software licence is, and mark who is bound to what. "
    "The texts are the licences of the Python packages installed on this machine. "
    "The labels train a small model that sorts clauses."
)
GUIDELINES = """\
1. Choose the kind of clause by what the passage does, not by where it stands.
1.1 Grant: it permits use, copying, changing or passing on.
1.2 Patent: it grants or ends rights to patents. A patent clause that also grants is patent.
1.3 Redistribution: it sets conditions on passing on, such as keeping a notice.
1.4 Warranty: it says that nothing, or what, is promised about the software.
1.5 Liability: it limits or excludes who pays for damage.
1.6 Termination: it says when rights end.
1.7 Other: titles, copyright lines, definitions, addresses, explanations.
2. Mark each Party where it is named: authors, licensor, contributors, you.
3. Mark as Obligation the shortest run of words that says what must or must not be done."""
CHOICES = "\n".join(clauses.CLAUSES)
SPANS = "Party\nObligation"
