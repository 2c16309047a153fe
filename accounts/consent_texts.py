"""The words that people are asked to agree to, by purpose and version. Frozen.

Never change words that are here: add a version at the end of its purpose's list. Everybody is then
asked again, since agreement to the old words does not carry over. Versions sort by their text.
"""

import hashlib
from dataclasses import dataclass

from accounts.models import Purpose


@dataclass(frozen=True)
class Text:
    """One version of what a purpose says, in each language."""

    version: str
    words: dict[str, str]

    def in_(self, language: str) -> tuple[str, str]:
        """Return the words in a language, or in English, and which language it is."""
        chosen = language if language in self.words else "en"
        return self.words[chosen], chosen


def current(purpose: Purpose) -> Text:
    """Return the version that is asked for now."""
    return TEXTS[purpose][-1]


def digest(purpose: Purpose, version: str, language: str, words: str) -> str:
    """Return what names words for good."""
    whole = "\n".join([purpose, version, language, words])
    return hashlib.sha256(whole.encode()).hexdigest()


TEXTS: dict[Purpose, tuple[Text, ...]] = {
    Purpose.AI_INTERVIEW: (
        Text(
            "2026-11",
            {
                "en": (
                    "Where this instance offers it, a language model may ask me questions in an"
                    " interview that I choose to take that way, and read my answers to find"
                    " points in them. It receives the questions and my answers, not my name, my"
                    " address or my profile. It does not decide: a published rule does where it"
                    " is sure, and a person otherwise. I may go on without it at any moment,"
                    " during an interview too, with no effect on the result."
                ),
                "fr": (
                    "Là où cette instance le propose, un modèle de langue peut me poser des"
                    " questions au cours d’un entretien que je choisis de passer ainsi, et lire"
                    " mes réponses pour y relever des points. Il reçoit les questions et mes"
                    " réponses, ni mon nom, ni mon adresse, ni mon profil. Il ne décide pas :"
                    " une règle publiée le fait là où elle est sûre, une personne sinon. Je peux"
                    " continuer sans lui à tout moment, même pendant un entretien, sans effet sur"
                    " le résultat."
                ),
            },
        ),
        Text(
            "2026-12",
            {
                "en": (
                    "Where this instance offers it, a language model may ask me questions in an"
                    " interview that I choose to take that way, and read my answers to find"
                    " points in them. It receives the questions and my answers and, for a few"
                    " questions about what my profile leaves open, which I may skip, what my"
                    " profile says of my work and my licences; not my name or my address. It"
                    " does not decide: a published rule does where it is sure, and a person"
                    " otherwise. I may go on without it at any moment, during an interview too,"
                    " with no effect on the result."
                ),
                "fr": (
                    "Là où cette instance le propose, un modèle de langue peut me poser des"
                    " questions au cours d’un entretien que je choisis de passer ainsi, et lire"
                    " mes réponses pour y relever des points. Il reçoit les questions et mes"
                    " réponses et, pour quelques questions sur ce que mon profil laisse ouvert,"
                    " que je peux passer, ce que mon profil dit de mon travail et de mes titres ;"
                    " ni mon nom, ni mon adresse. Il ne décide pas : une règle publiée le fait là"
                    " où elle est sûre, une personne sinon. Je peux continuer sans lui à tout"
                    " moment, même pendant un entretien, sans effet sur le résultat."
                ),
            },
        ),
    ),
    Purpose.TRANSCRIPTS: (
        Text(
            "2026-11",
            {
                "en": (
                    "My answers in interviews may be kept after their decision is final, so that"
                    " I can read them again. Besides me only those who run this instance can"
                    " open them, and each opening is recorded; nothing is trained on them. Without"
                    " this agreement they are"
                    " deleted once the result can no longer be contested; points, levels and the"
                    " decision stay either way."
                ),
                "fr": (
                    "Mes réponses aux entretiens peuvent être conservées après que leur décision"
                    " est devenue définitive, pour que je puisse les relire. En dehors de moi,"
                    " seule l’équipe qui gère cette instance peut les ouvrir, et chaque ouverture"
                    " est notée ; rien n’est entraîné sur elles. Sans cet accord, elles"
                    " sont supprimées dès que le résultat ne"
                    " peut plus être contesté ; les points, les niveaux et la décision restent"
                    " dans les deux cas."
                ),
            },
        ),
    ),
    Purpose.SHARE_PROFILE: (
        Text(
            "2026-11",
            {
                "en": (
                    "The owners of projects that I have joined may see my name and my profile"
                    " (the line about my work, my experience, my country, my languages and my"
                    " licences without their numbers) on their page of experts, beside my"
                    " pseudonym. Nobody else sees them, and no dataset holds them. Without this"
                    " agreement owners know me by pseudonym only."
                ),
                "fr": (
                    "Les donneurs d’ordre des projets auxquels je participe peuvent voir mon nom"
                    " et mon profil (la ligne sur mon travail, mon expérience, mon pays, mes"
                    " langues et mes titres sans leurs numéros) sur leur page des experts, à côté"
                    " de mon pseudonyme. Personne d’autre ne les voit, et aucun jeu de données ne"
                    " les contient. Sans cet accord, ils ne me connaissent que par mon"
                    " pseudonyme."
                ),
            },
        ),
    ),
    Purpose.NAME_IN_PROVENANCE: (
        Text(
            "2026-11",
            {
                "en": (
                    "Releases of datasets that hold my work may name me among the people behind"
                    " their labels. A release never changes once it is published, so a name that"
                    " is in it stays in it, with everybody who has loaded it. Without this"
                    " agreement releases know me by a random key only."
                ),
                "fr": (
                    "Les versions des jeux de données qui contiennent mon travail peuvent me"
                    " nommer parmi les personnes dont viennent les annotations. Une version"
                    " publiée ne change plus jamais : un nom qui y figure y reste, y compris chez"
                    " les personnes qui l’ont chargée. Sans cet accord, les versions ne me"
                    " connaissent que par une clé aléatoire."
                ),
            },
        ),
    ),
    Purpose.VOICE: (
        Text(
            "2026-11",
            {
                "en": (
                    "Where this instance offers it, I may dictate answers in an interview. A"
                    " recording begins only when I press the button and ends when I stop it. It is"
                    " sent to the speech model that the page names, comes back as words that I"
                    " read and correct before they count, and is stored nowhere on this instance:"
                    " not on a disk, not in a database. The voice itself is never judged or"
                    " recognised. Typing counts the same."
                ),
                "fr": (
                    "Là où cette instance le propose, je peux dicter des réponses au cours d’un"
                    " entretien. Un enregistrement ne commence que lorsque j’appuie sur le bouton"
                    " et se termine quand je l’arrête. Il est envoyé au modèle de parole que la"
                    " page nomme, revient sous forme de mots que je lis et corrige avant qu’ils ne"
                    " comptent, et n’est conservé nulle part sur cette instance : ni sur un"
                    " disque, ni dans une base de données. La voix elle-même n’est jamais jugée ni"
                    " reconnue. Écrire au clavier compte de la même façon."
                ),
            },
        ),
    ),
}
