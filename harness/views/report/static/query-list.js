// The list of queries: two systems on one dataset, ordered by what one gains over the other.
(function () {
  "use strict";
  const { el, id } = beir;
  const UNIT = 1e-4, PAGE = 100;
  let shown = PAGE;

  function fill(select, names, wanted, other) {
    select.replaceChildren(...names.map(function (name) { return el("option", {}, name); }));
    select.value = names.includes(wanted) ? wanted : other;
  }

  function start(site) {
    const displays = new Map(site.measures.map(function (one) { return [one.name, one.display]; }));
    let data = null, number = 0, chosen = null, wanted = new URLSearchParams();

    // The address says what is shown, so that a query can be linked to; what the page does not offer is passed over.
    function follow() {
      wanted = new URLSearchParams(location.hash.slice(1));
      const orders = Array.from(id("order").options).map(function (one) { return one.value; });
      id("order").value = orders.includes(wanted.get("order")) ? wanted.get("order") : orders[0];
      id("search").value = (wanted.get("text") || "").slice(0, 300);
      shown = PAGE;
      const browsed = site.browsed.find(function (one) { return one.dataset === wanted.get("dataset"); });
      if (browsed) id("dataset").value = String(browsed.number);
      chosen = wanted.get("query");
      load();
    }

    function load(step) {
      number = Number(id("dataset").value);
      id("summary").textContent = "Loading …";
      beir.get("dataset:" + number, "queries/" + number + "/index.js").then(function (found) {
        data = found;
        const first = wanted.get("first") || id("first").value, second = wanted.get("second") || id("second").value;
        fill(id("first"), data.tags, first, data.start[0]);
        fill(id("second"), data.tags, second, data.start[1]);
        id("measure").replaceChildren(...data.measures.map(function (name) { return el("option", { value: name }, displays.get(name) || name); }));
        id("measure").value = data.measures.includes(wanted.get("measure")) ? wanted.get("measure") : data.measures[0];
        list(true, step);
      }, function (error) { id("summary").textContent = error.message; });
    }

    // All queries in the chosen order, or those with the words looked for.
    function rows(all) {
      const scores = data.scores[data.measures.indexOf(id("measure").value)];
      const a = scores[data.tags.indexOf(id("first").value)], b = scores[data.tags.indexOf(id("second").value)];
      const words = id("search").value.toLowerCase().split(/\s+/).filter(Boolean);
      const keys = {
        size: function (row) { return -Math.abs(row.a - row.b); }, gain: function (row) { return row.b - row.a; },
        loss: function (row) { return row.a - row.b; }, low: function (row) { return row.a + row.b; },
      };
      const key = keys[id("order").value];
      return data.queries.map(function ([name, text], at) { return { at, name, text, a: a[at], b: b[at] }; })
        .filter(function (row) { const hay = (row.name + " " + row.text).toLowerCase(); return all || words.every(function (word) { return hay.includes(word); }); })
        .sort(function (x, y) { return key(x) - key(y) || x.at - y.at; });
    }

    // `step`: whether a reader's choice has brought it about, to which one may go back.
    function list(open, step) {
      if (!data) return;
      const found = rows(), first = id("first").value, second = id("second").value;
      const ahead = found.filter(function (row) { return row.a > row.b; }).length, behind = found.filter(function (row) { return row.a < row.b; }).length;
      const part = data.queries.length < data.judged ? "The " + data.queries.length + " queries on which the systems differ most, of " + beir.count(data.judged) + ". " : "";
      id("summary").replaceChildren(part + first + " is ahead on " + ahead + " queries, behind on " + behind + ", level on " + (found.length - ahead - behind) + ".",
        ...(data.note ? [el("br"), el("span", { class: "note" }, data.note)] : []));
      id("list").replaceChildren(...found.slice(0, shown).map(function (row) {
        const gap = row.a - row.b;
        return el("li", {}, el("button", { type: "button", "data-query": row.name, "aria-current": row.name === chosen ? "true" : null, click: function () { choose(row, false, true); } },
          el("span", { class: "gap" + (gap > 0 ? " better" : gap < 0 ? " worse" : "") }, beir.signed(gap * UNIT, 3)),
          el("span", { class: "what" }, row.text || row.name),
          el("span", { class: "scores" }, row.name + " · " + (row.a * UNIT).toFixed(3) + " against " + (row.b * UNIT).toFixed(3))));
      }));
      id("more").hidden = found.length <= shown;
      if (!open) return;
      const row = rows(true).find(function (one) { return one.name === chosen; }) || found[0];
      if (row) choose(row, true, step); else id("query").replaceChildren();
    }

    function save(step) {
      const said = { dataset: data.dataset, first: id("first").value, second: id("second").value, measure: id("measure").value };
      if (id("order").selectedIndex) said.order = id("order").value;
      if (id("search").value) said.text = id("search").value;
      if (chosen !== null) said.query = chosen;
      const address = "#" + new URLSearchParams(said);
      if (address !== location.hash) history[step ? "pushState" : "replaceState"](null, "", address);
    }

    function choose(row, quiet, step) {
      chosen = row.name;
      const first = id("first").value, second = id("second").value, measure = id("measure").value;
      save(step);
      wanted = new URLSearchParams();
      for (const button of id("list").querySelectorAll("button")) {
        if (button.dataset.query === chosen) button.setAttribute("aria-current", "true"); else button.removeAttribute("aria-current");
      }
      beir.showQuery(data, number, row, first, second, displays.get(measure) || measure, UNIT);
      if (!quiet && matchMedia("(max-width: 50rem)").matches) id("query").scrollIntoView();
    }

    id("choice").addEventListener("submit", function (event) { event.preventDefault(); });
    id("dataset").addEventListener("change", function () { shown = PAGE; chosen = null; load(true); });
    for (const name of ["first", "second", "measure", "order"]) id(name).addEventListener("change", function () { chosen = name === "order" ? null : chosen; list(true, true); });
    id("search").addEventListener("input", function () { list(false); if (data) save(false); });
    id("more").addEventListener("click", function () { shown += PAGE; list(false); });
    addEventListener("hashchange", follow);
    follow();
  }

  beir.get("site").then(start);
})();
