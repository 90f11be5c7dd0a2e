// Which choices of a measure's page are in its address.
(function () {
  "use strict";
  beir.get("board").then(function () { // after the charts, which hear of what is restored
    beir.view.bind({
      systems: "filter", datasets: "group", baseline: "baseline", system: "first", minus: "second", on: "where",
      pairs: "pairs-where", ranks: "ranks-group", cost: "cost-axis", "cost-on": "cost-where",
    });
    beir.view.restore();
  });
})();
