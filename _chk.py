from proofs.redteam import corpus
from interviews import evidence, scoring, untrusted
for a in corpus.attacks():
    q=a.question.question
    m=scoring.mark(q,{"text":a.answered})
    s=untrusted.signs(a.words)
    bad = m.points>a.most+1e-9
    if bad or not s: print(a.id,a.technique,"pts",m.points,[ (r.check,r.quote) for r in m.readings if r.met] if bad else "", [str(x) for x in s])
for a in corpus.innocents():
    q=a.question.question
    m=scoring.mark(q,{"text":a.words})
    s=untrusted.signs(a.words); c=untrusted.cleaned(a.words)
    if abs(m.points-a.points)>1e-9 or s or c!=a.words: print(a.id,a.looks_like,"pts",m.points,[r.check for r in m.readings if not r.met],[str(x) for x in s], "CHANGED" if c!=a.words else "")
print(len(corpus.attacks()),len(corpus.innocents()))
