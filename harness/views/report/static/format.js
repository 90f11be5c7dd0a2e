// Numbers as text, and a comparison looked up from either side.
(function () {
  "use strict";
  const STEP = 1e-5;
  beir.score = function (value) { return value === null || value === undefined ? "–" : value.toFixed(4); };
  beir.signed = function (value, digits) {
    const text = Math.abs(value).toFixed(digits === undefined ? 4 : digits);
    return (Number(text) === 0 ? "±" : value > 0 ? "+" : "−") + text;
  };
  beir.p = function (p) { return p <= 1e-99 ? "<1e-99" : p >= 0.001 ? p.toPrecision(3).replace(/\.?0+$/, "") : p.toExponential(2); };
  beir.rank = function (rank) { return !rank ? "–" : rank[0] === rank[1] ? String(rank[0]) : rank[0] + "–" + rank[1]; };
  beir.span = function (low, high) { return low === null ? "–" : "[" + beir.signed(low) + ", " + beir.signed(high) + "]"; };
  beir.count = function (number) { return number.toLocaleString("en"); };
  beir.TESTS = { t: "paired t-test", permutation: "permutation test" };
  // A count with its noun: "1 query", "7 datasets".
  beir.counted = function (number, noun, many) { return beir.count(number) + " " + (number === 1 ? noun : many || noun + "s"); };

  beir.percent = function (board) { return Number((100 * (1 - board.alpha)).toPrecision(4)) + " %"; };
  // "Holm over 196 comparisons"
  beir.family = function (correction, size) { return correction + " over " + beir.counted(size, "comparison"); };

  // Where the pair of the places i < j of n lies in the order of all pairs.
  function place(i, j, n) { return (i * (2 * n - i - 1)) / 2 + (j - i - 1); }

  function found(systems, a, b) {
    const i = systems.indexOf(a), j = systems.indexOf(b);
    if (i < 0 || j < 0 || i === j) return null;
    return { at: place(Math.min(i, j), Math.max(i, j), systems.length), turned: i > j };
  }

  // System a against system b on a column's queries, seen from a; null where one is missing or a test does not exist.
  // p is corrected over all pairs, or over the comparisons with b where that is the baseline.
  beir.pair = function (column, a, b, alpha, baseline) {
    const where = column.pairs && found(column.systems, a, b);
    if (!where) return null;
    const all = column.pairs, at = where.at, sign = where.turned ? -STEP : STEP;
    const ends = all.low[at] === null ? [null, null] : [all.low[at] * sign, all.high[at] * sign].sort(function (x, y) { return x - y; });
    const wins = where.turned ? all.losses[at] : all.wins[at], losses = where.turned ? all.wins[at] : all.losses[at];
    const corrected = (!baseline ? all.corrected : where.turned ? all.againstFirst : all.againstSecond)[at];
    return {
      difference: all.difference[at] * sign, low: ends[0], high: ends[1], p: all.p[at], corrected,
      wins, losses, ties: column.queries - wins - losses, sure: corrected <= alpha, least: all.least[at],
      equal: Boolean(all.equal && (!baseline ? all.equal : where.turned ? all.equalFirst : all.equalSecond)[at]),
    };
  };

  // The averages of system a and system b over the datasets of a group, for these datasets.
  beir.these = function (group, a, b, alpha) {
    const these = group.these, where = these && found(these.systems, a, b);
    if (!where) return null;
    const all = these.pairs, at = where.at, sign = where.turned ? -STEP : STEP;
    const ends = all.low[at] === null ? [null, null] : [all.low[at] * sign, all.high[at] * sign].sort(function (x, y) { return x - y; });
    return {
      difference: all.difference[at] * sign, low: ends[0], high: ends[1], p: all.p[at], corrected: all.corrected[at],
      sure: all.corrected[at] <= alpha, least: all.least[at],
    };
  };

  // System a against system b over the datasets of a group.
  beir.over = function (group, a, b, alpha) {
    const over = group.over, where = over && found(over.systems, a, b);
    if (!where) return null;
    const all = over.pairs, at = where.at;
    const wins = where.turned ? all.losses[at] : all.wins[at], losses = where.turned ? all.wins[at] : all.losses[at];
    return {
      wins, losses, ties: over.datasets.length - wins - losses, lead: where.turned ? -all.lead[at] : all.lead[at],
      p: all.p[at], corrected: all.corrected[at], sure: all.corrected[at] <= alpha,
    };
  };
})();
