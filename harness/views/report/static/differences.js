// Mean differences with their intervals: one system and the baseline on every dataset, or every system on one.
(function () {
  "use strict";
  const { el, svg, id } = beir;

  function forest(place, rows, label, left, right) {
    const start = beir.room(rows.map(function (row) { return row.label; })), width = Math.min(Math.max(place, start + 210), start + 800);
    const step = 24, top = 34, end = width - 90;
    const ends = rows.flatMap(function (row) { return [row.low, row.high, row.difference, 0]; });
    const low = Math.min(...ends), high = Math.max(...ends), pad = (high - low) * 0.05 || 0.01;
    const x = beir.scale(low - pad, high + pad, start, end);
    const height = top + rows.length * step + 34, ticks = beir.ticks(low - pad, high + pad, Math.max(1, Math.min(6, Math.floor((end - start) / 75))));
    const parts = [], words = function (tick) { return tick === 0 ? "0" : beir.signed(tick, ticks.digits); };
    for (const tick of ticks.values) parts.push(beir.line(x(tick), top, x(tick), height - 30, tick === 0 ? "zero" : "grid"));
    for (const tick of beir.apart(ticks.values, x, words)) parts.push(beir.text(x(tick), height - 14, words(tick), "middle", "soft"));
    // Which way is better, where there is room to say it; on a side without room there is no value either.
    if (beir.wide("◀ " + left) + 10 < x(0)) parts.push(beir.text(x(0) - 10, 16, "◀ " + left, "end", "soft"));
    if (x(0) + beir.wide(right + " ▶") + 10 < width) parts.push(beir.text(x(0) + 10, 16, right + " ▶", "start", "soft"));
    rows.forEach(function (row, at) {
      const y = top + at * step + step / 2, kind = row.sure ? (row.difference > 0 ? "up" : "down") : "flat";
      parts.push(beir.text(start - 10, y + 4, row.label, "end"));
      parts.push(svg("g", { class: kind }, beir.tip(row.label + ": " + beir.signed(row.difference) + " " + beir.span(row.low, row.high) + ", p corrected " + beir.p(row.corrected)),
        row.low === null ? null : beir.line(x(row.low), y, x(row.high), y, kind), svg("circle", { cx: x(row.difference), cy: y, r: 4.5, class: kind + (row.sure ? "" : " open") })));
      parts.push(beir.text(width - 84, y + 4, beir.signed(row.difference), "start", row.sure ? "" : "soft"));
    });
    return beir.picture(place, width, height, label, parts);
  }

  function start(board) {
    const tested = board.tags.slice(0, board.tags.length - board.meansOnly);

    function draw(place) {
      const first = Number(id("first").value), second = Number(id("second").value), where = id("where").value;
      id("first").disabled = where !== "";
      const rows = [];
      function add(label, column, system) {
        const found = beir.pair(column, system, second, board.alpha, true);
        if (found) rows.push(Object.assign({ name: label, label: where === "" ? label + "  n " + column.queries : label }, found));
      }
      if (where === "") board.columns.forEach(function (column) { add(column.name, column, first); });
      else tested.forEach(function (tag, at) { add(tag, board.columns[Number(where)], at); });
      rows.sort(function (a, b) { return b.difference - a.difference; });
      const what = where === "" ? board.tags[first] + " minus " + board.tags[second] : "every system minus " + board.tags[second] + " on " + board.columns[Number(where)].name;
      if (!rows.length) {
        const why = where === "" && first === second ? "Choose two different systems." : "There is no dataset that both have and that has queries to test on.";
        return id("differences-chart").replaceChildren(el("p", {}, why));
      }
      const sure = rows.filter(function (row) { return row.sure; });
      const ahead = sure.filter(function (row) { return row.difference > 0; }).length;
      const label = what + ", " + board.display + ": " + ahead + " significantly above and " + (sure.length - ahead) + " below, of " + rows.length;
      const left = board.tags[second] + " better", right = where === "" ? board.tags[first] + " better" : "system better";
      const how = "Right of the dashed line, at no difference, " + (where === "" ? board.tags[first] : "the system") + " is better. Lines: " + beir.percent(board) +
        " t intervals of each difference alone, not corrected, so one may leave out 0 beside an open dot. Filled: p ≤ " + board.alpha + ", " + board.tested + ", " + beir.family(board.correction, board.families[second]) + " with " + board.tags[second] + ". n: queries.";
      id("differences-chart").replaceChildren(el("p", {}, label + "."), el("p", { class: "how" }, how), forest(place, rows, label, left, right),
        beir.numbers(what, [where === "" ? "Dataset" : "System", "n", "Difference", "Interval", "p", "p corrected", "Won", "Tied", "Lost"], rows.map(function (row) {
          return [row.name, row.wins + row.ties + row.losses, beir.signed(row.difference), beir.span(row.low, row.high), beir.p(row.p), beir.p(row.corrected), row.wins, row.ties, row.losses];
        })));
    }
    beir.redraw(["first", "second", "where"], "differences-chart", draw);
  }

  if (id("differences-chart")) beir.get("board").then(start);
})();
