"""Answers in words as professionals write them earn the point; plausible wrong ones do not."""

import pytest

from interviews import scoring
from interviews.items import banks

ITEMS = {item.id: item for bank in banks().values() for item in bank.items}

GOOD = {
    "med-018": [
        "Stop metformin: at an eGFR below 30 it accumulates and may cause lactic acidosis.",
        "Metformin shouldn’t be on the list any more. It is renally excreted so levels build up.",
        "MALA risk. The drug is contraindicated with this renal function.",
        "Metformin needs to be discontinued given the risk of lactate accumulation.",
        "La metformine est à arrêter : élimination rénale, donc accumulation et acidose lactique.",
        "Contre-indication (DFG < 30) en raison du risque d’acidose lactique.",
        "Il faut interrompre la metformine car elle n’est plus éliminée par le rein.",
        "CI de la metformine si DFG inférieur à 30 mL/min (acidose lactique par surdosage).",
    ],
    "med-027": [
        "Giant cell arteritis. Start prednisolone 60 mg immediately or she may go blind.",
        "GCA / temporal arteritis; high-dose steroids now, to avoid lasting visual loss from AION.",
        "Probable cranial arteritis. IV methylprednisolone before biopsy, to save her sight.",
        "Maladie de Horton. Corticothérapie en urgence pour éviter la NOIAA.",
        "Artérite à cellules géantes : prednisone 1 mg/kg sans attendre, pour prévenir la cécité.",
        "Artérite temporale probable ; corticoïdes à forte dose afin d’éviter une perte visuelle"
        " définitive.",
    ],
    "med-037": [
        "Loss of hypoxic pulmonary vasoconstriction causes V/Q mismatch, plus the Haldane effect.",
        "It blunts the hypoxic drive to breathe. Also, oxygenated haemoglobin binds less CO2.",
        "Increased dead space from redistribution of blood flow and reduced respiratory drive.",
        "Levée de la vasoconstriction hypoxique avec aggravation des inégalités"
        " ventilation/perfusion et effet Haldane.",
        "Diminution de la commande ventilatoire hypoxique ; augmentation de l’espace mort.",
        "L’hypoxémie ne stimule plus les chémorécepteurs, d’où hypoventilation."
        " De plus l’hémoglobine oxygénée transporte moins de CO2 (Haldane).",
    ],
    "med-046": [
        "Mortality is the same (4.1 vs 4.0%). The benefit comes only from fewer repeat"
        " revascularisations.",
        "The primary endpoint is a composite driven by revascularization; there is no difference"
        " in deaths.",
        "Death rates were almost identical and the composite outcome hides this.",
        "Il n’y a aucune différence de mortalité. L’effet est porté par les revascularisations.",
        "Les décès sont comparables dans les deux groupes ; seul le critère composite diffère,"
        " tiré par les nouvelles revascularisations.",
        "La mortalité n’est pas diminuée, et l’essai n’était pas en aveugle, d’où un biais"
        " possible sur la décision de revasculariser.",
    ],
    "med-056": [
        "6U may be read as 60. The missing leading zero means .5 could be given as 5 mg.",
        "QD can be confused with QID (four times daily), and the naked decimal invites a tenfold"
        " overdose.",
        "The U looks like a zero so 60 units might be injected; QD might be taken for QOD.",
        "Le U peut passer pour un 0, donc 60 unités. L’absence de zéro devant le point expose à"
        " une dose dix fois trop forte.",
        "Il faut écrire « unités » en toutes lettres (6U lu 60) et 0,5 mg, car .5 peut être lu 5"
        " mg.",
        "QD peut être compris comme quatre fois par jour. Le point décimal peut ne pas être vu.",
    ],
    "fin-019": [
        "The platform is an agent and should only recognise its commission of €6m.",
        "It acts as an agent under B34-B38 as it doesn’t control the service. Revenue should be"
        " shown net.",
        "It is not the principal here; only the 15% fee is revenue.",
        "La plateforme agit comme mandataire : seule la commission (6 M€) est un produit.",
        "Elle n’est qu’un agent, faute de contrôler les nuitées. Elle doit comptabiliser le net.",
        "C’est un simple intermédiaire ; le chiffre d’affaires se limite à sa marge de 15 %.",
    ],
    "fin-028": [
        "Nominal cash flows are discounted with a real rate. The value is overstated."
        " Use a nominal rate of c. 7.1%.",
        "There is a mismatch between flows and rate; this overvalues the project."
        " Deflate the cash flows or apply Fisher.",
        "The discount rate is real while the flows are nominal, so NPV comes out too high."
        " Either strip inflation out of the flows or gross the rate up.",
        "On actualise des flux nominaux avec un taux réel : la valeur est surévaluée."
        " Il faut un taux nominal de 7,12 %.",
        "Incohérence entre flux et taux, d’où une valeur trop élevée. Soit on déflate les flux,"
        " soit on prend un taux nominal.",
        "Le taux est réel et les flux sont nominaux. La VAN est surestimée."
        " Retraiter les flux en euros constants.",
    ],
    "fin-038": [
        "Unmodified opinion plus a section “Material Uncertainty Related to Going Concern”."
        " Without the disclosure: qualified or adverse.",
        "A clean opinion. The report has a separate paragraph drawing attention to the note."
        " If disclosure is inadequate, the opinion would be qualified (except for) or adverse.",
        "He gives an unqualified opinion and adds the MURGC section; were the notes silent he would"
        " issue an adverse or qualified one.",
        "Opinion non modifiée, avec une section distincte. À défaut d’information : réserve ou"
        " opinion défavorable.",
        "L’auditeur certifie sans réserve et ajoute un paragraphe sur l’incertitude."
        " Si l’annexe est muette, il émet une opinion avec réserve.",
        "Opinion favorable sans modification ; une partie spécifique du rapport renvoie à la note."
        " Sans information dans l’annexe, opinion avec réserve ou défavorable.",
    ],
    "fin-046": [
        "She committed unlawful disclosure of inside information; he committed insider dealing.",
        "She tipped him off. He traded on inside information.",
        "Disclosure outside the normal course of her duties on her part, insider trading on his.",
        "Elle a commis une divulgation illicite et lui une opération d’initié.",
        "La sœur a communiqué une information privilégiée ; le frère a commis un délit d’initié.",
        "Divulgation illicite d’information privilégiée pour elle. Il a utilisé cette information"
        " privilégiée en vendant.",
    ],
    "fin-057": [
        "Restructuring costs recur each year and so are not exceptional."
        " There’s no reconciliation to IFRS profit.",
        "These charges are part of normal business: they come up every year."
        " After deducting them EBITDA was only 39.",
        "No reconciliation to the nearest GAAP measure, and adjusted EBITDA isn’t defined.",
        "Les restructurations sont récurrentes. Il manque le rapprochement avec les comptes IFRS.",
        "L’indicateur n’est pas défini et il masque des coûts qui reviennent tous les ans.",
        "Présenter comme exceptionnels des coûts constatés chaque année est trompeur."
        " Aucun passage au résultat opérationnel n’est fourni.",
    ],
}

BAD = {
    "med-018": [
        "Metformin is cleared by the liver, so the dose may stay as it is.",
        "La metformine est éliminée par le foie, la dose peut donc rester la même.",
        "The dose should be raised, because glucose is harder to control in kidney disease.",
        "Metformin can go on; there is no need to stop it as it is metabolised in the liver.",
        "Metformin may cause hypoglycaemia, so glucose should be measured more often.",
        "La posologie peut être maintenue : la metformine est métabolisée par le foie.",
        "La metformine expose à des hypoglycémies, il faut surveiller la glycémie.",
        "Il faudrait passer à 3 g par jour pour mieux équilibrer le diabète.",
    ],
    "med-027": [
        "Migraine with aura; a triptan now, to prevent the next attack.",
        "Trigeminal neuralgia, to be treated with carbamazepine to prevent chronic pain.",
        "This may be a brain tumour. An urgent scan is needed to prevent seizures.",
        "Migraine avec aura ; un triptan, pour prévenir la crise suivante.",
        "Névralgie du trijumeau, à traiter par carbamazépine pour éviter la douleur chronique.",
        "Glaucome aigu : acétazolamide en urgence pour éviter les douleurs.",
    ],
    "med-037": [
        "Oxygen is converted into carbon dioxide by the tissues.",
        "Oxygen damages the alveoli and causes fibrosis, so that CO2 cannot leave.",
        "The high flow pushes carbon dioxide back into the lungs.",
        "L’oxygène est transformé en gaz carbonique par les tissus.",
        "L’oxygène abîme les alvéoles et provoque une fibrose.",
        "Le débit élevé empêche mécaniquement l’expiration.",
    ],
    "med-046": [
        "The hazard ratio of 0.78 is significant, so the claim is supported.",
        "The trial is too small and two years are too short.",
        "The stent was not compared with surgery, which is the best treatment.",
        "Le rapport de risque de 0,78 est significatif, l’affirmation est donc exacte.",
        "L’essai est trop petit et le suivi de deux ans est trop court.",
        "Le stent n’a pas été comparé à la chirurgie, traitement de référence.",
    ],
    "med-056": [
        "Actrapid should not be given before supper, and dexamethasone raises the glucose.",
        "The brand name is used in place of the generic one.",
        "The signature and the date are missing from the chart.",
        "Actrapid ne se donne pas avant le dîner, et la dexaméthasone élève la glycémie.",
        "Le nom commercial est utilisé au lieu de la dénomination commune.",
        "Il manque la signature et la date de la prescription.",
    ],
    "fin-019": [
        "The platform is not an agent but the principal, so the gross amount is right.",
        "La plateforme n’est pas un agent, donc le montant brut est juste.",
        "It should wait until the guest has left before it books the full price.",
        "The €40 million should be spread over the year as deferred income.",
        "VAT has to be taken off before revenue is shown.",
        "Elle doit attendre le départ du client avant de comptabiliser le prix entier.",
        "Les 40 millions doivent être étalés en produits constatés d’avance.",
        "Il faut retirer la TVA avant de présenter le chiffre d’affaires.",
    ],
    "fin-028": [
        "The rate should be lowered to 1%, since 4% less 3% is the true rate.",
        "Nothing is wrong because inflation cancels out in the long run.",
        "The flows should be doubled for risk, and the value is too low.",
        "Il faut abaisser le taux à 1 %, soit 4 % moins 3 %.",
        "Rien n’est faux, car l’inflation se compense à long terme.",
        "Il faudrait tenir compte du risque, la valeur est trop basse.",
    ],
    "fin-038": [
        "A qualified opinion with an emphasis of matter paragraph.",
        "Une opinion avec réserve et un paragraphe d’observation.",
        "The auditor disclaims an opinion because the future cannot be known.",
        "An adverse opinion, because the company may fail.",
        "The auditor must tell the bank and the tax office.",
        "L’auditeur se déclare dans l’impossibilité d’exprimer une opinion.",
        "Une opinion défavorable, car la société peut faire faillite.",
        "L’auditeur doit prévenir la banque et l’administration fiscale.",
    ],
    "fin-046": [
        "It is not insider dealing, since he is no employee, and her words are no disclosure.",
        "Ce n’est pas une opération d’initié, et il n’y a pas de divulgation interdite en famille.",
        "She has broken professional secrecy only under labour law, and he has done nothing.",
        "He manipulated the market, since his order moved the price.",
        "Both are free to speak and act as members of one family.",
        "Elle a seulement manqué à son contrat de travail, et lui n’a rien fait.",
        "Il a manipulé le marché, car son ordre a fait bouger le cours.",
        "Chacun est libre de parler et d’agir en famille.",
    ],
    "fin-057": [
        "The company should have paid a higher dividend on a record result.",
        "Growth from 45 to 48 is too slow for this sector.",
        "EBITDA should include interest and taxes to be meaningful.",
        "La société aurait dû verser un dividende plus élevé.",
        "La croissance de 45 à 48 est trop lente pour ce secteur.",
        "L’EBITDA devrait inclure les intérêts et les impôts.",
    ],
}


def pairs(table):
    return [
        pytest.param(item_id, words, id=f"{item_id}-{place}")
        for item_id, said in table.items()
        for place, words in enumerate(said)
    ]


@pytest.mark.parametrize(("item_id", "words"), pairs(GOOD))
def test_a_good_answer_in_other_words_earns_the_point(item_id, words):
    mark = scoring.mark(ITEMS[item_id].question, {"text": words})

    assert mark.points == 1, [reading.check for reading in mark.readings if not reading.met]


@pytest.mark.parametrize(("item_id", "words"), pairs(BAD))
def test_a_plausible_wrong_answer_earns_less_than_half(item_id, words):
    mark = scoring.mark(ITEMS[item_id].question, {"text": words})

    assert mark.points < 0.5, [reading.quote for reading in mark.readings if reading.met]
