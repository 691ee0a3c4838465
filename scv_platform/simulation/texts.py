"""What people write to support, by mood, topic and language; and what they are answered."""

import pyarrow as pa

_SUBJECTS = {
    "en": ("My delivery", "The product I bought", "My payment", "My account"),
    "de": ("Meine Lieferung", "Das gekaufte Produkt", "Meine Zahlung", "Mein Konto"),
    "fr": ("Ma livraison", "Le produit acheté", "Mon paiement", "Mon compte"),
}
"""By language: the subject of each topic."""

_OPENINGS = {
    ("en", "happy"): (
        "I just want to say thank you, this was great.",
        "Wonderful service, I am really happy!",
        "Everything was perfect, I love it.",
    ),
    ("en", "neutral"): (
        "I have a question.",
        "Could you please look something up for me?",
        "Please send me some information.",
    ),
    ("en", "angry"): (
        "This is unacceptable, I am really angry!",
        "I am very disappointed, this is terrible service.",
        "Worst experience ever. I want my money back now!",
    ),
    ("de", "happy"): (
        "Ich möchte mich einfach bedanken, das war großartig.",
        "Toller Service, ich bin wirklich glücklich!",
        "Alles war perfekt, ich bin begeistert.",
    ),
    ("de", "neutral"): (
        "Ich habe eine Frage.",
        "Könnten Sie bitte etwas für mich nachsehen?",
        "Bitte senden Sie mir einige Informationen.",
    ),
    ("de", "angry"): (
        "Das ist eine Frechheit, ich bin stinksauer!",
        "Ich bin sehr enttäuscht, der Service ist furchtbar.",
        "Nie wieder! Ich will sofort mein Geld zurück!",
    ),
    ("fr", "happy"): (
        "Je voulais simplement vous remercier, c'était formidable.",
        "Service merveilleux, je suis vraiment contente !",
        "Tout était parfait, j'adore.",
    ),
    ("fr", "neutral"): (
        "J'ai une question.",
        "Pourriez-vous vérifier quelque chose pour moi ?",
        "Merci de m'envoyer quelques informations.",
    ),
    ("fr", "angry"): (
        "C'est inadmissible, je suis furieux !",
        "Je suis très déçue, le service est lamentable.",
        "Plus jamais ! Je veux être remboursé immédiatement !",
    ),
}
"""By language and mood: how a ticket begins."""

_MATTERS = {
    "en": (
        "It is about the delivery of my last order.",
        "It is about the product that arrived this week.",
        "It is about the payment of my invoice.",
        "It is about the login to my account.",
    ),
    "de": (
        "Es geht um die Lieferung meiner letzten Bestellung.",
        "Es geht um das Produkt, das diese Woche ankam.",
        "Es geht um die Bezahlung meiner Rechnung.",
        "Es geht um die Anmeldung in meinem Konto.",
    ),
    "fr": (
        "Il s'agit de la livraison de ma dernière commande.",
        "Il s'agit du produit arrivé cette semaine.",
        "Il s'agit du paiement de ma facture.",
        "Il s'agit de la connexion à mon compte.",
    ),
}
"""By language: what each topic is about."""

ANSWERS = {
    "en": "Thank you for your message. We have looked into it and written to you.",
    "de": "Danke für Ihre Nachricht. Wir haben es geprüft und Ihnen geschrieben.",
    "fr": "Merci de votre message. Nous avons vérifié et vous avons écrit.",
}
"""What an agent writes back, by language."""


def texts() -> pa.Table:
    """One row per (mood, topic, variant, language): subject, body."""
    return pa.Table.from_pylist(
        [
            {
                "mood": mood,
                "topic": topic,
                "variant": variant,
                "language": language,
                "subject": _SUBJECTS[language][topic],
                "body": f"{opening} {matter}",
            }
            for (language, mood), openings in _OPENINGS.items()
            for variant, opening in enumerate(openings)
            for topic, matter in enumerate(_MATTERS[language])
        ]
    )
