// One query: its text, both top lists with what is known of each document, and the relevant documents they miss.
(function () {
  "use strict";
  const { el, id } = beir;

  function kind(grade, level) {
    if (grade === null) return ["unjudged", "? unjudged"];
    return grade >= level ? ["relevant", "✓ relevant, grade " + grade] : ["wrong", "✗ judged not relevant, grade " + grade];
  }

  function document_(doc, place, mark, extra) {
    const [name, title, text, length] = doc, [style, words] = mark;
    const cut = length ? "First " + beir.count(text.length) + " of " + beir.count(length) + " characters. " : "";
    return el("li", { class: style },
      el("div", { class: "meta" }, el("b", {}, place), el("span", { class: "mark" }, words), el("span", {}, name), extra ? el("span", {}, extra) : null),
      title ? el("div", { class: "title", dir: "auto" }, title) : null,
      text ? el("details", {}, el("summary", {}, el("span", { class: "text", dir: "auto" }, text)), el("small", {}, cut + "document " + name)) : null);
  }

  function side(tag, view, query, other) {
    if (!view) return el("div", {}, el("h3", {}, tag), el("p", { class: "notice" }, "The run of this system is not in the results folder; run it again to see its documents."));
    const places = new Map(other ? other.top.map(function (hit, at) { return [hit[0], at + 1]; }) : []);
    const hits = view.top.map(function ([doc, score, grade], at) {
      const there = other ? (places.has(doc) ? "there " + places.get(doc) : "not in the other 10") : "";
      return document_(query.docs[doc], at + 1 + ".", kind(grade, query.level), "score " + score + (there ? " · " + there : ""));
    });
    const missed = view.missed.map(function ([doc, grade, rank]) {
      return document_(doc === null ? ["", "", "", 0] : query.docs[doc], rank ? "rank " + rank : "not retrieved", ["relevant", "grade " + grade]);
    });
    const more = view.missedInAll - missed.length;
    return el("div", {}, el("h3", {}, tag),
      hits.length ? el("ol", { class: "hits" }, hits) : el("p", { class: "notice" }, "No results for this query: it scores 0."),
      el("h3", {}, "Relevant, but not in the first 10: " + view.missedInAll),
      el("ol", { class: "hits missed" }, missed), more ? el("p", {}, "… and " + more + " more.") : null,
      el("p", {}, el("small", {}, beir.count(view.retrieved) + " documents were retrieved for this query.")));
  }

  function page(query, data, row, first, second, measure, unit) {
    const [text, length] = query.text, a = query.systems[data.tags.indexOf(first)], b = query.systems[data.tags.indexOf(second)];
    return [
      el("h2", {}, "Query " + query.id),
      el("blockquote", { dir: "auto" }, text || "(the text is not at hand)"),
      length ? el("p", { class: "notice" }, "The query has " + beir.count(length) + " characters; the first " + beir.count(text.length) + " are shown.") : null,
      el("p", {}, measure + " " + (row.a * unit).toFixed(4) + " against " + (row.b * unit).toFixed(4) + " · " + query.relevant + " relevant of " + query.judged + " judged documents"),
      query.own ? el("p", { class: "notice own" }, "The collection holds this query's own document, " + query.id + "; the dataset's rules drop it from every list.") : null,
      el("div", { class: "pair" }, side(first, a, query, b), first === second ? null : side(second, b, query, a)),
    ].filter(Boolean);
  }

  beir.showQuery = function (data, number, row, first, second, measure, unit) {
    const place = id("query");
    if (!data.detailed) return place.replaceChildren(el("h2", {}, "Query " + row.name), el("blockquote", { dir: "auto" }, row.text || "(the text is not at hand)"), el("p", { class: "notice" }, data.note));
    const wanted = "query:" + number + ":" + row.at;
    place.dataset.wanted = wanted;
    beir.get(wanted, "queries/" + number + "/" + row.at + ".js").then(function (query) {
      if (place.dataset.wanted === wanted) place.replaceChildren(...page(query, data, row, first, second, measure, unit));
    }, function (error) { place.replaceChildren(el("p", { class: "notice" }, error.message)); });
  };
})();
