// The critical-difference diagram: an axis of mean ranks, systems on both sides, bars over those not told apart.
(function () {
  "use strict";
  const { el, svg, id } = beir;

  function diagram(place, board, group) {
    const over = group.over, rankOf = new Map(over.systems.map(function (at, place) { return [at, over.meanRank[place]]; }));
    const order = over.order, n = order.length, step = 19, margin = 24;
    const room = beir.room(order.map(function (at) { return board.tags[at] + " 00.00"; }));
    const narrow = place < 2 * room + 200, half = narrow ? n : Math.ceil(n / 2); // on a phone all names stand on the left
    const width = narrow ? Math.max(place, room + 160 + margin) : Math.min(place, 2 * room + 560);
    const x = beir.scale(1, n, room, width - (narrow ? margin : room)), axis = 56, bars = over.cliques.length * 9, top = axis + 16 + bars;
    const parts = [beir.line(x(1), axis, x(n), axis, "axis")];
    const ticks = beir.ticks(1, n, Math.min(n - 1, 12)).values.filter(function (v) { return v > 1 && v < n && Number.isInteger(v); });
    const shown = beir.apart([1, ...ticks.filter(function (v) { return x(n) - x(v) > 22; }), n], x, String);
    for (const tick of shown) parts.push(beir.line(x(tick), axis - 5, x(tick), axis, "axis"), beir.text(x(tick), axis - 9, String(tick), "middle", "soft"));
    const apart = over.criticalDifference, end = Math.min(x(1 + apart), width - 4);
    parts.push(beir.line(x(1), 18, end, 18, "clique"), beir.text(x(1), 11, "critical difference " + apart.toFixed(2), "start", "soft"));
    over.cliques.forEach(function ([first, last], at) {
      const y = axis + 10 + at * 9;
      parts.push(beir.line(x(rankOf.get(order[first])) - 4, y, x(rankOf.get(order[last])) + 4, y, "clique"));
    });
    order.forEach(function (system, place) {
      const left = place < half, y = top + (left ? place : n - 1 - place) * step + step / 2, rank = rankOf.get(system);
      const edge = left ? room - 6 : width - room + 6;
      parts.push(svg("polyline", { class: "lead", points: x(rank) + "," + axis + " " + x(rank) + "," + y + " " + edge + "," + y }));
      parts.push(beir.text(left ? edge - 5 : edge + 5, y + 4, left ? board.tags[system] + "  " + rank.toFixed(2) : rank.toFixed(2) + "  " + board.tags[system], left ? "end" : "start"));
    });
    const label = "Mean ranks over " + over.datasets.length + " datasets, best first: " + order.slice(0, 5).map(function (at) { return board.tags[at] + " " + rankOf.get(at).toFixed(2); }).join(", ") + (n > 5 ? " and " + (n - 5) + " more" : "");
    return [beir.picture(place, width, top + half * step + 8, label, parts), beir.numbers("mean ranks", ["System", "Mean rank", "Ranks left open"], order.map(function (at) { return [board.tags[at], rankOf.get(at).toFixed(3), beir.rank(over.rank[at])]; }))];
  }

  function start(board) {
    beir.redraw(["ranks-group"], "ranks-chart", function (place) {
      const group = board.groups.find(function (one) { return one.name === id("ranks-group").value; });
      const [chi, p] = group.over.friedman;
      const most = group.over.systems.length - 1, few = group.over.criticalDifference > most;
      const note = few ? " No two systems can be apart: " + most + " is the largest difference of mean ranks, so " + group.over.datasets.length + " datasets are too few." : "";
      const n = beir.counted(most + 1, "system") + " on " + beir.counted(group.over.datasets.length, "dataset");
      const how = "n: " + n + ". The bar above the scale is as long as the critical difference at alpha " + board.alpha + "; a bar below it joins systems closer than that; thin lines lead from a mean rank to its name.";
      id("ranks-chart").replaceChildren(el("p", {}, "Friedman test over " + group.over.datasets.length + " datasets: χ² = " + chi.toFixed(2) + ", p = " + beir.p(p) + "." + note),
        el("p", { class: "how" }, how), ...diagram(place, board, group));
    });
  }

  if (id("ranks-chart")) beir.get("board").then(start);
})();
