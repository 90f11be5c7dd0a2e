// How a system's results were made: the command, then everything the manifest says.
(function () {
  "use strict";
  const { el, id } = beir;

  function result(made, open) {
    const [dataset, command, facts] = made;
    return el("details", { open },
      el("summary", {}, dataset),
      el("pre", {}, el("code", {}, command)),
      el("dl", {}, facts.map(function ([label, text]) { return [el("dt", {}, label), el("dd", {}, text)]; })));
  }

  beir.showMade = function (tag, dataset) {
    beir.get("board").then(function (board) {
      return beir.get("made:" + tag, "data/made-" + board.made.indexOf(tag) + ".js");
    }).then(function (made) {
      return made.map(function (one) { return result(one, one[0] === dataset || made.length === 1); });
    }, function (error) { return [el("p", {}, error.message)]; }).then(function (parts) {
      const dialog = id("made");
      dialog.replaceChildren(
        el("div", { class: "head" }, el("h3", { id: "made-title" }, "How the results of " + tag + " were made"),
          el("button", { type: "button", click: function () { dialog.close(); } }, "Close")),
        el("p", {}, "The command makes the result again; below it is what its manifest records."), ...parts);
      dialog.showModal();
      const open = dialog.querySelector("details[open]");
      if (open) open.scrollIntoView({ block: "nearest" });
    });
  };

  id("made-open").addEventListener("click", function () { beir.showMade(id("made-system").value, null); });
})();
