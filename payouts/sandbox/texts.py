"""The few words of the hosted pages, in English and French.

The sandbox imports nothing of ours, our catalogues neither: the English is the key.
"""

from collections.abc import Callable

from babel import Locale
from flask import request

LANGUAGES = {"en": "English", "fr": "Français"}
Say = Callable[..., str]

FRENCH = {
    "Doyen's Stripe sandbox: no real money moves": (
        "Bac à sable Stripe de Doyen\u00a0: aucun argent réel ne circule"
    ),
    "These pages stand in for Stripe's. Use test numbers only, never a real card.": (
        "Ces pages remplacent celles de Stripe. N’utilisez que des numéros de test, jamais une"
        " vraie carte."
    ),
    "Skip to the content": "Aller au contenu",
    "Language": "Langue",
    "Error:": "Erreur\u00a0:",
    # paying
    "Pay %(amount)s": "Payer %(amount)s",
    "Save the card": "Enregistrer la carte",
    "Nothing is paid now. Your card is charged later, as you agreed.": (
        "Rien n’est payé maintenant. Votre carte sera débitée plus tard, comme vous l’avez accepté."
    ),
    "Type 4242 4242 4242 4242: the card is saved, and later payments succeed.": (
        "Saisissez 4242 4242 4242 4242\u00a0: la carte est enregistrée, et les paiements suivants"
        " réussissent."
    ),
    "saved, and declined later": "enregistrée, puis refusée",
    "saved, and without funds later": "enregistrée, puis sans provision",
    "saved, and asks for authentication later": "enregistrée, puis demande une authentification",
    "What you pay for": "Ce que vous payez",
    "What": "Objet",
    "Quantity": "Quantité",
    "Amount": "Montant",
    "Total": "Total",
    "Card number": "Numéro de carte",
    "Type 4242 4242 4242 4242: the payment succeeds.": (
        "Saisissez 4242 4242 4242 4242\u00a0: le paiement réussit."
    ),
    "E-mail for the receipt (if any)": "Courriel pour le reçu (facultatif)",
    "Cancel": "Annuler",
    "Other test cards": "Autres cartes de test",
    "declined": "refusée",
    "declined: not enough funds": "refusée\u00a0: provision insuffisante",
    "expired": "expirée",
    "succeeds, and is disputed at once": "réussit, puis est contestée aussitôt",
    "succeeds, funds available at once": "réussit, fonds disponibles immédiatement",
    "Type a card number.": "Saisissez un numéro de carte.",
    "Check the number: it is not a card number.": (
        "Vérifiez le numéro\u00a0: ce n’est pas un numéro de carte."
    ),
    "Type an e-mail address such as ada@example.org, or leave it empty.": (
        "Saisissez une adresse comme ada@example.org, ou laissez vide."
    ),
    "The payment did not go through. Nothing was taken.": (
        "Le paiement n’a pas abouti. Rien n’a été prélevé."
    ),
    "Your card was declined. Try another card.": (
        "Votre carte a été refusée. Essayez une autre carte."
    ),
    "Your card has insufficient funds. Try another card.": (
        "La provision de votre carte est insuffisante. Essayez une autre carte."
    ),
    "Your card has expired. Try another card.": ("Votre carte a expiré. Essayez une autre carte."),
    "Your card's security code is incorrect. Try another card.": (
        "Le code de sécurité de votre carte est incorrect. Essayez une autre carte."
    ),
    "The card could not be processed. Try again in a moment.": (
        "La carte n’a pas pu être traitée. Réessayez dans un instant."
    ),
    "This is not a test card. Never type a real card here.": (
        "Ce n’est pas une carte de test. Ne saisissez jamais une vraie carte ici."
    ),
    "Pay by SEPA debit": "Payer par prélèvement SEPA",
    "Pay %(amount)s by debit": "Payer %(amount)s par prélèvement",
    "DE89 3704 0044 0532 0130 00 pays after five days; DE62 3704 0044 0532 0130 01 fails then.": (
        "DE89 3704 0044 0532 0130 00 paie au bout de cinq jours ; DE62 3704 0044 0532 0130 01"
        " échoue alors."
    ),
    "By going on you allow this payment to be taken from your account. Your bank can send it back"
    " for eight weeks.": (
        "En continuant, vous autorisez ce prélèvement sur votre compte. Votre banque peut le"
        " renvoyer pendant huit semaines."
    ),
    "This is not a test account. Never type a real one here.": (
        "Ce n’est pas un compte de test. Ne saisissez jamais un vrai compte ici."
    ),
    "Receipt": "Reçu",
    "%(amount)s was paid on %(day)s.": "%(amount)s payés le %(day)s.",
    "Paid by": "Payé par",
    "SEPA debit": "prélèvement SEPA",
    "Refunded": "Remboursé",
    "Payment number": "Numéro du paiement",
    "This page has expired": "Cette page a expiré",
    "Nothing was paid. Go back and start again.": (
        "Rien n’a été payé. Revenez en arrière et recommencez."
    ),
    "Go back": "Revenir",
    "Nothing here": "Rien ici",
    "This address leads nowhere in the sandbox.": (
        "Cette adresse ne mène nulle part dans le bac à sable."
    ),
    # onboarding
    "Where should your pay go?": "Où verser votre rémunération\u00a0?",
    "Stripe asks this once, before the first transfer to you.": (
        "Stripe le demande une fois, avant le premier virement en votre faveur."
    ),
    "Full legal name": "Nom légal complet",
    "As it stands on your identity card.": "Tel qu’il figure sur votre pièce d’identité.",
    "Country": "Pays",
    "The platform gave this country. It cannot change.": (
        "La plateforme a indiqué ce pays. Il ne peut pas changer."
    ),
    "Bank account (IBAN)": "Compte bancaire (IBAN)",
    "Bank account number": "Numéro de compte bancaire",
    "Type the test number %(number)s.": "Saisissez le numéro de test %(number)s.",
    "Save and go back": "Enregistrer et revenir",
    "Not now": "Pas maintenant",
    "Type your full legal name.": "Saisissez votre nom légal complet.",
    "Check the number: it is not a bank account number.": (
        "Vérifiez le numéro\u00a0: ce n’est pas un numéro de compte bancaire."
    ),
    "Choose %(country)s: the platform gave this country.": (
        "Choisissez %(country)s\u00a0: la plateforme a indiqué ce pays."
    ),
    "Your details are saved": "Vos informations sont enregistrées",
    "You can close this page.": "Vous pouvez fermer cette page.",
    # the account holder's own page
    "Your Stripe account": "Votre compte Stripe",
    "Available": "Disponible",
    "On its way to you": "En attente",
    "Paid to": "Versé à",
    "Payouts to your bank": "Virements vers votre banque",
    "Received": "Reçus",
    # the dashboard
    "The other side": "L’autre côté",
    "What Stripe would know: accounts, payments, transfers, and every cent of the balance.": (
        "Ce que Stripe saurait\u00a0: comptes, paiements, virements, et chaque centime du solde."
    ),
    "Balance": "Solde",
    "Pending": "En attente",
    "Connected accounts": "Comptes connectés",
    "Account": "Compte",
    "Name": "Nom",
    "Transfers to it": "Virements reçus",
    "Payments": "Paiements",
    "Transfers": "Virements",
    "Refunds": "Remboursements",
    "Events": "Événements",
    "Id": "Identifiant",
    "When": "Date",
    "To": "Vers",
    "State": "État",
    "Fee": "Frais",
    "Event": "Événement",
    "Delivered": "Remis",
    "Kind of move": "Type de mouvement",
    "Net": "Net",
    "How the balance came about": "D’où vient le solde",
    "Count": "Nombre",
    "Nothing yet.": "Rien pour l’instant.",
    "The newest %(shown)s of %(total)s": "Les %(shown)s plus récents sur %(total)s",
    "%(done)s of %(all)s": "%(done)s sur %(all)s",
    "nobody listens": "personne n’écoute",
    "clock %(days)s days ahead": "horloge avancée de %(days)s jours",
    # states
    "active": "actif",
    "inactive": "inactif",
    "pending": "en attente",
    "unrequested": "non demandé",
    "succeeded": "réussi",
    "failed": "échoué",
    "refunded": "remboursé",
    "partly refunded": "remboursé en partie",
    "disputed": "contesté",
    "reversed": "annulé",
    "partly reversed": "annulé en partie",
    "sent": "envoyé",
    "in_transit": "en route",
    "paid": "versé",
    "canceled": "annulé",
    "needs_response": "réponse attendue",
    "under_review": "à l’étude",
    "warning_needs_response": "demande de renseignements",
    "warning_under_review": "renseignements à l’étude",
    "warning_closed": "renseignements clos",
    "won": "gagnée",
    "lost": "perdue",
    "Disputes": "Contestations",
    "Reason": "Motif",
}


def language(wanted: str | None = None) -> str:
    """Return the reader's language: asked for, given with the session, or the browser's."""
    for code in (request.args.get("lang"), wanted, *request.accept_languages.values()):
        if code and code[:2] in LANGUAGES:
            return code[:2]
    return "en"


def sayer(lang: str) -> Say:
    """Return the function that says our words in this language."""

    def say(english: str, **values: object) -> str:
        words = FRENCH[english] if lang == "fr" else english.replace("_", " ")
        return words % values if values else words

    return say


def country(code: str, lang: str) -> str:
    """Return the name of a country."""
    return str(Locale.parse(lang).territories[code])
