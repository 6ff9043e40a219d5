import sys

import indicia

feed, text = sys.argv[1:]
indicators = indicia.IndicatorSet.from_feeds([feed])
with open(text, "rb") as file:
    for hit in indicators.scan(file.read()):
        print(hit.value, hit.relation, hit.contexts[0].feed or "-")
