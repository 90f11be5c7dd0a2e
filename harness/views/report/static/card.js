// The card beside a number: its interval, its test against another system, and the ways on from there.
(function () {
  "use strict";
  const { el, id } = beir;
  let anchor = null;

  function hide(back) {
    const card = id("card");
    if (anchor) anchor.classList.remove("open");
    if (back && anchor && !card.hidden) anchor.focus();
    card.hidden = true;
    card.classList.remove("pinned");
    anchor = null;
  }

  // Puts the card beside a cell. A pinned one stays until it is closed and takes the focus; it can be clicked in.
  function show(cell, content, pinned) {
    hide(false);
    const card = id("card");
    anchor = cell;
    cell.classList.add("open");
    card.replaceChildren(...content.filter(Boolean));
    card.classList.toggle("pinned", pinned);
    card.hidden = false;
    const box = cell.getBoundingClientRect(), wide = card.offsetWidth, high = card.offsetHeight;
    const left = box.right + 8 + wide < innerWidth ? box.right + 8 : box.left - wide - 8;
    card.style.left = Math.max(4, Math.min(left, innerWidth - wide - 4)) + "px";
    card.style.top = Math.max(4, Math.min(box.top, innerHeight - high - 4)) + "px";
    const hidden = box.bottom + 8 - card.getBoundingClientRect().top; // the sheet of a phone may lie on the number
    if (pinned && matchMedia("(max-width: 50rem)").matches && hidden > 0) scrollBy({ top: hidden, behavior: "instant" });
    if (pinned) card.querySelector("button").focus({ preventScroll: true });
  }

  function lines(pairs) {
    return el("dl", {}, pairs.filter(Boolean).map(function ([label, text]) { return [el("dt", {}, label), el("dd", {}, text)]; }));
  }

  function best(values, but) {
    let chosen = -1;
    values.forEach(function (value, at) { if (at !== but && value !== null && (chosen < 0 || value > values[chosen])) chosen = at; });
    return chosen;
  }

  function verdict(board, found, other, ahead) {
    const within = found.equal ? " within " + board.margin : "";
    if (!found.sure) return el("p", { class: "verdict" }, (within ? "Equal" + within + " to " : "Not separable from ") + other);
    return el("p", { class: "verdict " + (ahead ? "better" : "worse") },
      "Significantly " + (ahead ? "better" : "worse") + " than " + other + (within ? ", yet" + within : ""));
  }

  // Why the interval of a difference and its verdict may seem to disagree; null where they do not.
  function apart(found, family) {
    const without = found.low !== null && (found.low > 0 || found.high < 0);
    if (found.low === null || without === found.sure) return null;
    return el("p", { class: "how" }, without
      ? "The interval looks at this difference alone and leaves out 0. Corrected for " + beir.counted(family, "comparison") + ", the difference isn't significant."
      : "The interval holds 0 although the test finds a difference: the two are computed in different ways, and the test decides.");
  }

  function tests(found, name, correction, family) {
    return [["p", beir.p(found.p) + " (" + name + ")"], ["p corrected", beir.p(found.corrected) + " (" + beir.family(correction, family) + ")"]];
  }

  // What so many queries can show at the first step of the correction, and how many the difference seen would want:
  // what can be found shrinks with the root of their number.
  function could(found, queries) {
    if (found.least === null) return null;
    const wanted = Number((queries * Math.pow(found.least / found.difference, 2)).toPrecision(2));
    const more = !found.sure && !found.equal && wanted > queries && wanted < 1e6 ? "; a difference like this one with some " + beir.count(wanted) + " queries" : "";
    return ["Could find", beir.score(found.least) + " four times of five" + more];
  }

  // The reference of a cell: the chosen baseline, else the best other system of the column.
  function reference(values, system, baseline) { return baseline !== null && baseline !== system ? baseline : best(values, system); }

  function column(board, system, at, baseline) {
    const one = board.columns[at], tested = one.mean.slice(0, board.tags.length - board.meansOnly);
    const interval = one.interval[system], rank = one.rank[system];
    const other = reference(tested, system, baseline), chosen = other === baseline;
    const found = beir.pair(one, system, other, board.alpha, chosen);
    const facts = [
      [board.display, beir.score(one.mean[system]) + (interval ? "  [" + interval.map(beir.score).join(", ") + "], " + beir.percent(board) : "")],
      rank ? ["Rank", beir.rank(rank) + " of " + tested.filter(function (mean) { return mean !== null; }).length + ", by all pairs"] : null,
      one.holes[system] ? ["Judged", Math.round(100 * one.holes[system][0]) + " % of the first ten" + (one.holes[system][1] === null ? "" : "; " + beir.score(one.holes[system][1]) + " if all others were relevant")] : null,
      ["Queries", beir.count(one.queries) + (one.datasets.length > 1 ? " on " + one.datasets.length + " datasets" : "")],
    ];
    const parts = [el("h3", {}, board.tags[system] + " on " + one.name), lines(facts)];
    if (system >= tested.length) parts.push(el("p", {}, "Only means are known of this system, so there is no test."));
    else if (found) {
      parts.push(verdict(board, found, board.tags[other], found.difference > 0));
      const family = chosen ? board.families[other] : board.family;
      parts.push(lines([
        ["Difference", beir.signed(found.difference) + "  " + beir.span(found.low, found.high) + ", " + beir.percent(board)],
        ["Queries", found.wins + " won, " + found.ties + " tied, " + found.losses + " lost"],
        ...tests(found, beir.TESTS[board.test], board.correction, family),
        could(found, one.queries),
      ]), apart(found, family));
    } else if (one.datasets.length > 1) parts.push(el("p", {}, "The mean of several datasets has no test on queries."));
    return { parts, other: found ? other : -1, dataset: one.datasets.length === 1 ? one.datasets[0] : null };
  }

  function average(board, system, group, baseline) {
    const over = group.over, place = over ? over.systems.indexOf(system) : -1;
    const tested = group.average.slice(0, board.tags.length - board.meansOnly);
    const other = reference(tested, system, baseline), found = beir.over(group, system, other, board.alpha);
    const these = beir.these(group, system, other, board.alpha);
    const facts = [
      ["Average", beir.score(group.average[system])],
      group.rank[system] ? ["Rank", beir.rank(group.rank[system])] : null,
      place >= 0 ? ["Mean rank", over.meanRank[place].toFixed(2) + " over " + over.datasets.length + " datasets"] : null,
    ];
    const parts = [el("h3", {}, board.tags[system] + " on " + group.name), lines(facts)];
    if (these) {
      parts.push(el("h4", {}, "For these datasets"), verdict(board, these, board.tags[other], these.difference > 0));
      parts.push(lines([
        ["Difference", beir.signed(these.difference) + "  " + beir.span(these.low, these.high) + ", " + beir.percent(board)],
        ...tests(these, "sign flips in " + beir.count(group.these.queries) + " queries", group.these.correction, group.these.pairs.p.length),
        could(these, group.these.queries),
      ]), apart(these, group.these.pairs.p.length));
    }
    if (found) {
      parts.push(el("h4", {}, "For datasets like these"), verdict(board, found, board.tags[other], found.lead > 0));
      parts.push(lines([
        ["Datasets", found.wins + " won, " + found.ties + " tied, " + found.losses + " lost"],
        ...tests(found, "Wilcoxon over datasets", "Holm", over.pairs.p.length),
      ]));
    }
    return { parts, other: -1, dataset: null };
  }

  // What can be done from a pinned card.
  function acts(board, system, made) {
    const row = el("div", { class: "acts" }, el("button", { type: "button", click: function () { hide(true); } }, "Close"));
    const tag = board.tags[system];
    if (board.made.includes(tag)) {
      row.append(el("button", { type: "button", click: function () { hide(true); beir.showMade(tag, made.dataset); } }, "How it was made"));
    }
    const browsed = board.browsed.find(function (one) { return one.dataset === made.dataset; });
    if (browsed && made.other >= 0) {
      const wanted = new URLSearchParams({ dataset: made.dataset, first: tag, second: board.tags[made.other], measure: board.measure });
      row.append(el("a", { href: "queries.html#" + wanted }, "On which queries"));
    }
    return row;
  }

  beir.card = { hide, show, column, average, acts, isOpen: function () { return !id("card").hidden; },
    isPinned: function () { return id("card").classList.contains("pinned"); } };
})();
