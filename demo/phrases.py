"""The table behind `demo.gold`: how known clauses begin, and what to mark in them.

Each entry: the words that the clause begins with, the parties, the obligations. Written by hand
from the texts of the MIT, MIT-CMU, ISC, BSD, zlib, libpng, IJG, PSF, Apache 2.0, MPL 2.0, LGPL 2.1,
GPL 3, Unlicense and Boost licences.
"""

Entry = tuple[str, tuple[str, ...], tuple[str, ...]]

_NO_MARKS: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

_GRANT: tuple[Entry, ...] = (
    (
        "Permission is hereby granted, free of charge, to any person obtaining a copy",
        ("any person obtaining a copy of this software",),
        (),
    ),
    (
        "Permission is hereby granted, free of charge, to any person or organization",
        ("any person or organization",),
        (),
    ),
    (
        "Permission to use, copy, modify, and/or distribute this software for any purpose",
        (),
        ("the above copyright notice and this permission notice appear in all copies",),
    ),
    (
        "Permission to use, copy, modify, and distribute this software and its documentation",
        (),
        ("the above copyright notice and this permission notice appear in all copies",),
    ),
    (
        "Permission is hereby granted, without written agreement and without license",
        (),
        (
            "the above copyright notice and the following two paragraphs appear in all copies of "
            "this software",
        ),
    ),
    ("Redistribution and use in source and binary forms, with or without", *_NO_MARKS),
    ("Permission is granted to anyone to use this software for any purpose", ("anyone",), ()),
    ("Permission is hereby granted to use, copy, modify, and distribute", *_NO_MARKS),
    (
        "The authors hereby grant permission to use, copy, modify, distribute, and license",
        ("The authors",),
        (
            "existing copyright notices are retained in all copies",
            "this notice is included verbatim in any distributions",
        ),
    ),
    (
        "Subject to the terms and conditions of this License, each Contributor hereby grants to "
        "You a perpetual, worldwide, non-exclusive, no-charge, royalty-free, irrevocable copyright",
        ("each Contributor", "You"),
        (),
    ),
    (
        "Subject to the terms and conditions of this License Agreement, PSF hereby grants",
        ("PSF", "Licensee"),
        (),
    ),
    (
        "Subject to the terms and conditions of this BeOpen Python License Agreement",
        ("BeOpen", "Licensee"),
        (),
    ),
    (
        "Subject to the terms and conditions of this License Agreement, CNRI hereby grants",
        ("CNRI", "Licensee"),
        (),
    ),
    (
        "Each Contributor hereby grants You a world-wide, royalty-free, non-exclusive license",
        ("Each Contributor", "You"),
        (),
    ),
    ("Anyone is free to copy, modify, publish, use, compile, sell, or distribute", ("Anyone",), ()),
    ("This license grants a worldwide, royalty-free, perpetual and irrevocable right", *_NO_MARKS),
    ("All rights granted under this License are granted for the term of copyright", *_NO_MARKS),
)

_PATENT: tuple[Entry, ...] = (
    (
        "Subject to the terms and conditions of this License, each Contributor hereby grants to "
        "You a perpetual, worldwide, non-exclusive, no-charge, royalty-free, irrevocable (except "
        "as stated in this section) patent license",
        ("each Contributor", "You"),
        (),
    ),
    ("under Patent Claims of such Contributor to make, use, sell", ("such Contributor",), ()),
    (
        "for infringements caused by: (i) Your and any other third party's modifications",
        *_NO_MARKS,
    ),
    (
        "Each contributor grants you a non-exclusive, worldwide, royalty-free patent license",
        ("Each contributor", "you"),
        (),
    ),
    ("A contributor's essential patent claims are all patent claims", *_NO_MARKS),
    ("In the following three paragraphs, a patent license is any express agreement", *_NO_MARKS),
    (
        "If you convey a covered work, knowingly relying on a patent license",
        ("you",),
        ("cause the Corresponding Source to be so available",),
    ),
    ("A patent license is discriminatory if it does not include", *_NO_MARKS),
    (
        "If, pursuant to or in connection with a single transaction or arrangement, you convey",
        *_NO_MARKS,
    ),
    ("Nothing in this License shall be construed as excluding or limiting any implied", *_NO_MARKS),
    ("If, as a consequence of a court judgment or allegation of patent infringement", *_NO_MARKS),
)

_REDISTRIBUTION: tuple[Entry, ...] = (
    (
        "The above copyright notice and this permission notice shall be included in all copies",
        (),
        (
            "The above copyright notice and this permission notice shall be included in all copies "
            "or substantial portions of the Software",
        ),
    ),
    (
        "The above copyright notice and this permission notice (including the next paragraph)",
        *_NO_MARKS,
    ),
    (
        "Redistributions of source code must retain the above copyright",
        (),
        (
            "must retain the above copyright notice, this list of conditions and the following "
            "disclaimer",
        ),
    ),
    (
        "Redistributions in binary form must reproduce the above copyright",
        (),
        (
            "must reproduce the above copyright notice, this list of conditions and the following "
            "disclaimer in the documentation and/or other materials provided with the distribution",
        ),
    ),
    ("Neither the name of", *_NO_MARKS),
    ("Neither the names of", *_NO_MARKS),
    ("The names of the contributors may not be used to endorse or promote", *_NO_MARKS),
    ("The name of the author may not be used to endorse or promote", *_NO_MARKS),
    (
        "The origin of this software must not be misrepresented",
        ("you",),
        ("must not be misrepresented", "must not claim that you wrote the original software"),
    ),
    (
        "The origin of this source code must not be misrepresented",
        (),
        ("must not be misrepresented",),
    ),
    (
        "Altered source versions must be plainly marked as such",
        (),
        (
            "must be plainly marked as such",
            "must not be misrepresented as being the original software",
        ),
    ),
    (
        "This notice may not be removed or altered from any source distribution",
        (),
        ("may not be removed or altered from any source distribution",),
    ),
    (
        "This Copyright notice may not be removed or altered from any source or altered",
        (),
        ("may not be removed or altered from any source or altered source distribution",),
    ),
    (
        "You may reproduce and distribute copies of the Work or Derivative Works thereof",
        ("You",),
        (
            "must give any other recipients of the Work or Derivative Works a copy of this License",
            "must cause any modified files to carry prominent notices stating that You changed the "
            "files",
        ),
    ),
    (
        "You must retain, in the Source form of any Derivative Works that You distribute",
        ("You",),
        (
            "must retain, in the Source form of any Derivative Works that You distribute, all "
            "copyright, patent, trademark, and attribution notices from the Source form of the "
            "Work",
        ),
    ),
    (
        "If the Work includes a NOTICE text file as part of its distribution",
        ("You",),
        (
            "must include a readable copy of the attribution notices contained within such NOTICE "
            "file",
        ),
    ),
    (
        "All distribution of Covered Software in Source Code Form, including any Modifications",
        ("You", "recipients"),
        (
            "must be under the terms of this License",
            "must inform recipients that the Source Code Form of the Covered Software is governed "
            "by the terms of this License",
            "may not attempt to alter or restrict the recipients' rights in the Source Code Form",
        ),
    ),
    (
        "If You distribute Covered Software in Executable Form then",
        ("You",),
        (
            "must also be made available in Source Code Form",
            "must inform recipients of the Executable Form how they can obtain a copy of such "
            "Source Code Form by reasonable means in a timely manner",
        ),
    ),
    (
        "You may not remove or alter the substance of any license notices",
        ("You",),
        ("may not remove or alter the substance of any license notices",),
    ),
    (
        "If You choose to distribute Source Code Form that is Incompatible",
        ("You",),
        ("the notice described in Exhibit B of this License must be attached",),
    ),
    (
        "In the event Licensee prepares a derivative work that is based on or incorporates",
        ("Licensee",),
        ("agrees to include in any such work a brief summary of the changes made to Python",),
    ),
    ("You may distribute such Executable Form under the terms of this License", ("You",), ()),
    ("You may copy and distribute verbatim copies of the Library", *_NO_MARKS),
    (
        "You must give prominent notice with each copy of the work that the Library is used",
        ("You",),
        (
            "must give prominent notice with each copy of the work that the Library is used in it",
            "must supply a copy of this License",
        ),
    ),
    ("You may modify your copy or copies of the Library or any portion of it", *_NO_MARKS),
    (
        "Each time you redistribute the Library",
        ("the recipient",),
        (),
    ),
    ("You may convey verbatim copies of the Program's source code", *_NO_MARKS),
    (
        "The copyright notices in the Software and this entire statement",
        (),
        (),
    ),
)

_WARRANTY: tuple[Entry, ...] = (
    ("THE SOFTWARE IS PROVIDED AS IS, WITHOUT WARRANTY OF ANY KIND", *_NO_MARKS),
    ("THE SOFTWARE IS PROVIDED AS IS AND THE AUTHOR DISCLAIMS", ("THE AUTHOR",), ()),
    ("THE SOFTWARE IS PROVIDED AS IS AND NOMINUM DISCLAIMS", ("NOMINUM",), ()),
    ("THE SOFTWARE IS PROVIDED AS IS AND WITHOUT WARRANTY OF ANY KIND", *_NO_MARKS),
    (
        "THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS",
        ("THE COPYRIGHT HOLDERS AND CONTRIBUTORS",),
        (),
    ),
    ("THIS SOFTWARE IS PROVIDED BY", *_NO_MARKS),
    ("This software is provided as-is, without any express or implied warranty", *_NO_MARKS),
    ("This source code is provided as-is, without any express or implied", *_NO_MARKS),
    (
        "Unless required by applicable law or agreed to in writing, Licensor provides the Work",
        ("Licensor", "each Contributor", "You"),
        (),
    ),
    (
        "Unless required by applicable law or agreed to in writing, software distributed under",
        *_NO_MARKS,
    ),
    ("PSF is making Python available to Licensee on an AS IS basis", ("PSF", "Licensee"), ()),
    (
        "BeOpen is making the Software available to Licensee on an AS IS",
        ("BeOpen", "Licensee"),
        (),
    ),
    ("CNRI is making Python 1.6.1 available to Licensee on an AS IS", ("CNRI", "Licensee"), ()),
    ("Covered Software is provided under this License on an as is basis", *_NO_MARKS),
    ("THERE IS NO WARRANTY FOR THE PROGRAM, TO THE EXTENT PERMITTED", *_NO_MARKS),
    ("BECAUSE THE LIBRARY IS LICENSED FREE OF CHARGE, THERE IS NO WARRANTY", *_NO_MARKS),
    (
        "THE COPYRIGHT HOLDER SPECIFICALLY DISCLAIMS ANY WARRANTIES",
        ("THE COPYRIGHT HOLDER",),
        (),
    ),
    (
        "THE AUTHORS AND DISTRIBUTORS SPECIFICALLY DISCLAIM ANY WARRANTIES",
        ("THE AUTHORS AND DISTRIBUTORS",),
        (),
    ),
    ("The software is supplied as is, without warranty of any kind", *_NO_MARKS),
    ("The authors make NO WARRANTY or representation, either express or", ("The authors",), ()),
    ("There is no warranty against interference with your enjoyment", *_NO_MARKS),
)

_LIABILITY: tuple[Entry, ...] = (
    (
        "IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM",
        ("THE AUTHORS OR COPYRIGHT HOLDERS",),
        (),
    ),
    ("IN NO EVENT SHALL THE COPYRIGHT OWNER OR CONTRIBUTORS BE LIABLE", *_NO_MARKS),
    ("IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE", *_NO_MARKS),
    ("IN NO EVENT SHALL THE COPYRIGHT HOLDER BE LIABLE TO ANY PARTY", *_NO_MARKS),
    ("IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL", ("THE AUTHOR",), ()),
    (
        "IN NO EVENT SHALL THE AUTHORS OR DISTRIBUTORS BE LIABLE TO ANY PARTY",
        ("THE AUTHORS OR DISTRIBUTORS",),
        (),
    ),
    ("In no event will the authors be held liable", ("the authors",), ()),
    ("In no event will the author be held liable", ("the author",), ()),
    ("In no event shall the Copyright owners, or anyone distributing", *_NO_MARKS),
    ("IN NO EVENT SHALL SAM LEFFLER OR SILICON GRAPHICS BE LIABLE", *_NO_MARKS),
    (
        "In no event and under no legal theory, whether in tort",
        ("any Contributor", "You"),
        (),
    ),
    (
        "While redistributing the Work or Derivative Works thereof, You may choose to offer",
        ("You", "each Contributor"),
        ("indemnify, defend, and hold each Contributor harmless",),
    ),
    ("PSF SHALL NOT BE LIABLE TO LICENSEE", ("PSF", "LICENSEE"), ()),
    ("BEOPEN SHALL NOT BE LIABLE TO LICENSEE", ("BEOPEN", "LICENSEE"), ()),
    ("CNRI SHALL NOT BE LIABLE TO LICENSEE", ("CNRI", "LICENSEE"), ()),
    (
        "Under no circumstances and under no legal theory, whether tort",
        ("any Contributor", "You"),
        (),
    ),
    ("IN NO EVENT UNLESS REQUIRED BY APPLICABLE LAW OR AGREED TO IN WRITING", *_NO_MARKS),
    (
        "You may choose to offer, and to charge a fee for, warranty, support, indemnity",
        ("You", "every Contributor"),
        (
            "must make it absolutely clear that any such warranty, support, indemnity, or "
            "liability obligation is offered by You alone",
            "indemnify every Contributor for any liability incurred by such Contributor",
        ),
    ),
)

_TERMINATION: tuple[Entry, ...] = (
    (
        "This License Agreement will automatically terminate upon a material breach",
        *_NO_MARKS,
    ),
    (
        "The rights granted under this License will terminate automatically if You fail",
        ("You",),
        (),
    ),
    ("In the event of termination under Sections 5.1 or 5.2 above", *_NO_MARKS),
    ("You may not propagate or modify a covered work except as expressly", ("You",), ()),
    ("However, if you cease all violation of this License, then your license", ("you",), ()),
    ("Moreover, your license from a particular copyright holder is reinstated", *_NO_MARKS),
    ("Termination of your rights under this section does not terminate the licenses", *_NO_MARKS),
    ("You may not copy, modify, sublicense, link with, or distribute the Library", *_NO_MARKS),
    ("Your right to use the Software is terminated in the event of your breach", *_NO_MARKS),
)

_OTHER: tuple[Entry, ...] = (
    ("License shall mean the terms and conditions for use, reproduction", *_NO_MARKS),
    ("Licensor shall mean the copyright owner or entity authorized", *_NO_MARKS),
    ("Legal Entity shall mean the union of the acting entity", *_NO_MARKS),
    ("You (or Your) shall mean an individual or Legal Entity", *_NO_MARKS),
    ("Source form shall mean the preferred form for making modifications", *_NO_MARKS),
    ("Object form shall mean any form resulting from mechanical", *_NO_MARKS),
    ("Derivative Works shall mean any work, whether in Source or Object", *_NO_MARKS),
    ("This License does not grant permission to use the trade names, trademarks", *_NO_MARKS),
    ("This License does not grant any rights in the trademarks, service marks", *_NO_MARKS),
    ("Contributor Version means the combination of the Contributions", *_NO_MARKS),
    ("Executable Form means any form of the work other than", *_NO_MARKS),
    ("Larger Work means a work that combines Covered Software", *_NO_MARKS),
    ("Source Code Form means the form of the work preferred", *_NO_MARKS),
    ("Licensable means having the right to grant", *_NO_MARKS),
    ("Any litigation relating to this License may be brought only", *_NO_MARKS),
    ("This License represents the complete agreement concerning", *_NO_MARKS),
    ("This License is not intended to limit any rights You have", *_NO_MARKS),
    ("Mozilla Foundation is the license steward", *_NO_MARKS),
    ("This LICENSE AGREEMENT is between", *_NO_MARKS),
    ("Nothing in this License Agreement shall be deemed to create", *_NO_MARKS),
    ("By copying, installing or otherwise using Python, Licensee agrees", *_NO_MARKS),
    ("The Free Software Foundation may publish revised and/or new", *_NO_MARKS),
)

KNOWN: dict[str, tuple[Entry, ...]] = {
    "grant": _GRANT,
    "patent": _PATENT,
    "redistribution": _REDISTRIBUTION,
    "warranty": _WARRANTY,
    "liability": _LIABILITY,
    "termination": _TERMINATION,
    "other": _OTHER,
}
