// The matrix of all pairs, on one dataset or over those of a group.
(function () {
  "use strict";
  const { el, id } = beir;

  function start(board) {
    const tested = board.tags.slice(0, board.tags.length - board.meansOnly);

    function cell(row, column, found, text, ahead) {
      if (!found) return el("td", {}, row === column ? "" : "–");
      const kind = (text === "±0.0" || ahead === 0 ? "" : ahead > 0 ? "up" : "down") + (found.sure ? " sure" : "");
      const words = board.tags[row] + " against " + board.tags[column] + ": " + text + ", p corrected " + beir.p(found.corrected) + ", " + found.wins + " won, " + found.ties + " tied, " + found.losses + " lost";
      return el("td", { class: kind, title: words }, text + (found.sure ? "*" : ""));
    }

    function draw() {
      const where = id("pairs-where").value, chosen = id("pairs-where").selectedOptions[0];
      const group = board.groups.find(function (one) { return one.name === chosen.dataset.group; });
      const column = board.columns.find(function (one) { return one.name === where; });
      const score = group ? group.average : column.mean;
      const order = (group ? group.over.systems : column.systems).slice().sort(function (a, b) { return score[b] - score[a] || a - b; });
      const head = el("tr", {}, el("th", { scope: "col" }, "System"), order.map(function (at) { return el("th", { scope: "col" }, tested[at]); }));
      const rows = order.map(function (row) {
        return el("tr", {}, el("th", { scope: "row" }, tested[row]), order.map(function (other) {
          const found = group ? beir.over(group, row, other, board.alpha) : beir.pair(column, row, other, board.alpha);
          if (!found) return cell(row, other, null);
          const text = group ? found.wins + ":" + found.losses : beir.signed(100 * found.difference, 1);
          return cell(row, other, found, text, group ? Math.sign(found.lead) : Math.sign(found.difference));
        }));
      });
      const few = group && group.over.least > board.alpha;
      const what = group
        ? "Wins:losses over " + beir.counted(group.over.datasets.length, "dataset") + ". Wilcoxon's test over datasets, " + beir.family("Holm", group.over.pairs.p.length) + ", those of this matrix."
        : "Points, mean over " + beir.counted(column.queries, "query", "queries") + ". " + board.tested + ", " + beir.family(board.correction, board.family) + ", those of all datasets.";
      id("pairs-note").textContent = what + (few ? " So few datasets can separate none of these pairs: the corrected p can't fall below " + beir.p(group.over.least) + ". Nemenyi's test of mean ranks, in the diagram, has no such floor." : "");
      id("pairs-chart").replaceChildren(el("table", { "data-fixed": 1 }, el("caption", { class: "hush" }, "Each row's system against each column's; a star is significant after correction"), el("thead", {}, head), el("tbody", {}, rows)));
    }
    beir.redraw(["pairs-where"], "pairs-chart", draw);
  }

  if (id("pairs-chart")) beir.get("board").then(start);
})();
