"""The collection of the conformance checks: small enough to read, with the oddities that real collections have.

`DOCS` and `QUERIES` are plain English with ties, a missing title and a long text; the oddities have lists of their own,
so that a retriever that stumbles over one of them fails the check that is about it.
"""

from harness.records import Doc, Query

_TEA = "Tea is made from the leaves of a shrub; green tea is not oxidised, black tea is."

DOCS = (
    Doc("1", _TEA, "Tea"),
    Doc("2", "Coffee is made from roasted beans; espresso is coffee under pressure.", "Coffee"),
    Doc("3", "The mountain railway climbs with a rack and pinion to the summit.", "Mountain railway"),
    Doc("4", "Steam engines turned heat into motion and drove the first railway.", "Steam"),
    Doc("5", _TEA, "Tea"),  # the same as 1 and 6: a tie
    Doc("6", _TEA, "Tea"),
    Doc("7", "A violin has four strings, tuned in fifths, and is played with a bow."),
    Doc("0007", "Bows of pernambuco wood are prized by players of the violin and the cello.", "Bow"),  # is not 7
    Doc("8", "Bees dance to tell the hive where flowers are; honey is their winter store.", "Bees"),
    Doc(
        "9", "The river carries snow melt from the mountain to the sea. " * 200, "River"
    ),  # longer than any model reads
    Doc("10", "Snow that stays for years turns into the ice of a glacier.", "Glacier"),
    Doc("11", "x", ""),
)
QUERIES = (
    Query("q1", "how is green tea made"),
    Query("q10", "mountain railway"),
    Query("q2", "violin bow"),
    Query("1", "honey bees and flowers in winter"),  # an id that is a document's too
    Query("q3", "snow and ice of the mountain river"),
)

EMPTY_DOCS = (Doc("no-text", "", "Only a title about tea"), Doc("nothing", "", ""), Doc("blank", " \n\t ", " "))
EMPTY_QUERIES = (Query("empty", ""), Query("blank", " \t "), Query("signs", "?! -- …"))

UNICODE_DOCS = (
    Doc("de", "Käse und Brötchen aus der Straße in Zürich", "Frühstück"),
    Doc("el", "Η θάλασσα είναι ήρεμη σήμερα", "Θάλασσα"),
    Doc("zh", "北京的秋天天气很好，适合爬山。", "秋天"),
    Doc("ar", "القهوة جاهزة في الصباح", "قهوة"),
    Doc("hi", "हिमालय में बर्फ़ गिरती है", "हिमालय"),
    Doc("emoji", "A train 🚂 in the snow ❄️, said the family 👨‍👩‍👧‍👦", "🚂"),
    Doc("marks", "cafe\u0301 and caf\u00e9 look the same; zero\u200bwidth; line\u2028separator; nul\x00byte", ""),
)
UNICODE_QUERIES = (
    Query("käse", "Käse in Zürich"),
    Query("秋", "秋天 爬山"),
    Query("🚂", "train 🚂 in the snow ❄️"),
    Query("syntax", "title:tea AND (NOT \"coffee) OR [a TO b] ~ * ^2 \\ / + - && || {! ? ' <b> %s {}"),
    Query("marks", "cafe\u0301 nul\x00byte\u2028"),
)

# Ids of DBpedia, of Touché and of web archives: anything without white space.
ODD_IDS = r"""
<dbpedia:Émile_Zola> a/b/../c it's "quoted" back\slash 7 07 7.0 -1 +1 1e3 nan None null true Case case A 日本 😀
%41 a:b a,b [a] {a} #a =a * ? ~ . .. é é
""".replace(r"\u0301", "\u0301").split()
ODD_DOCS = tuple(Doc(doc_id, f"tea of kind number {number}", "Tea") for number, doc_id in enumerate(ODD_IDS))
