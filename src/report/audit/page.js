"use strict";
// The table of everything not done. It draws what is in sight, so that 100,000 rows are as quick as ten.
(() => {
  const grid = document.getElementById("grid");
  if (!grid) return;
  const { texts, rows } = JSON.parse(document.getElementById("rows").textContent);
  const text = (row, place) => texts[row[place]];
  // What each column shows, and what it is sorted by.
  const columns = [
    { name: "Run", show: (row) => row[0] }, { name: "Line", show: (row) => row[1], also: (row) => row[2] },
    { name: "User", show: (row) => row[3] }, { name: "License or site", show: (row) => text(row, 4) },
    { name: "Operation", show: (row) => text(row, 5) }, { name: "State", show: (row) => text(row, 6) },
    { name: "Code", show: (row) => text(row, 7) }, { name: "Why", show: (row) => text(row, 8) },
    { name: "HTTP", show: (row) => row[9] || "" }, { name: "Tracking ID", show: (row) => text(row, 10) },
    { name: "Attempts", show: (row) => row[11] }, { name: "When (UTC)", show: (row) => text(row, 12) },
    { name: "Organization", show: (row) => text(row, 13) },
  ];
  const body = grid.querySelector("tbody");
  const heads = [...grid.querySelectorAll("thead th[data-column]")];
  const find = document.getElementById("find");
  const states = document.getElementById("states");
  const said = document.getElementById("said");
  const details = document.getElementById("details");
  const lowered = texts.map((value) => value.toLowerCase());
  const HEIGHT = 32;
  const AROUND = 12;
  let shown = rows;
  let sorted = { column: -1, down: false };
  let drawn = "";

  const cell = (tag, value) => {
    const element = document.createElement(tag);
    element.textContent = value;
    element.title = value;
    return element;
  };
  const space = (height) => {
    const row = document.createElement("tr");
    row.className = "space";
    row.setAttribute("aria-hidden", "true");
    const only = document.createElement("td");
    only.colSpan = columns.length + 1;
    only.style.height = height + "px";
    row.append(only);
    return row;
  };
  const line = (number) => {
    const row = document.createElement("tr");
    row.setAttribute("aria-rowindex", number + 2);
    row.dataset.number = number;
    const open = document.createElement("td");
    open.className = "open";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "⋯";
    button.setAttribute("aria-label", "All of line " + shown[number][1]);
    open.append(button);
    row.append(open, ...columns.map((column) => cell("td", column.show(shown[number]))));
    return row;
  };
  const draw = (all) => {
    const most = 5000;
    const from = all ? 0 : Math.max(0, Math.floor(grid.scrollTop / HEIGHT) - AROUND);
    const to = all ? Math.min(shown.length, most) : Math.min(shown.length, Math.ceil((grid.scrollTop + grid.clientHeight) / HEIGHT) + AROUND);
    const now = from + " " + to;
    if (now === drawn) return;
    drawn = now;
    const lines = document.createDocumentFragment();
    if (from > 0) lines.append(space(from * HEIGHT));
    for (let number = from; number < to; number += 1) lines.append(line(number));
    if (!all && to < shown.length) lines.append(space((shown.length - to) * HEIGHT));
    body.replaceChildren(lines);
    document.getElementById("cut").hidden = !(all && shown.length > most);
  };
  const redraw = () => {
    drawn = "";
    grid.scrollTop = 0;
    grid.querySelector("table").setAttribute("aria-rowcount", shown.length + 1);
    const all = rows.length.toLocaleString("en");
    said.textContent = shown.length === rows.length ? all + (rows.length === 1 ? " row" : " rows") : shown.length.toLocaleString("en") + " of " + all + " rows";
    draw(false);
  };
  const choose = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const state = states.value;
    // Texts are looked through once each, rows by number.
    const hits = words.map((word) => lowered.map((value) => value.includes(word)));
    const places = [4, 5, 6, 7, 8, 10, 12, 13];
    shown = rows.filter((row) => (!state || text(row, 6) === state) && words.every((word, number) =>
      places.some((place) => hits[number][row[place]]) || row[3].toLowerCase().includes(word) || String(row[1]) === word || String(row[9]) === word));
    order();
  };
  const order = () => {
    const { column, down } = sorted;
    if (column >= 0) {
      const { show, also } = columns[column];
      const keys = new Map(shown.map((row) => [row, show(row)]));
      const sign = down ? -1 : 1;
      shown = shown.slice().sort((one, other) => {
        const [left, right] = [keys.get(one), keys.get(other)];
        if (left !== right) return (left < right ? -1 : 1) * sign;
        return one[0] - other[0] || one[1] - other[1] || (also ? also(one) - also(other) : one[2] - other[2]);
      });
    }
    redraw();
  };
  heads.forEach((head) => head.firstElementChild.addEventListener("click", () => {
    const column = Number(head.dataset.column);
    sorted = { column, down: sorted.column === column && !sorted.down };
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
    heads.forEach((other) => { other.querySelector("span").textContent = other === head ? (sorted.down ? " ↓" : " ↑") : ""; });
    choose();
  }));
  const clean = (value) => {
    const plain = String(value).replace(/[\u0000-\u001f\u007f]/g, " ");
    return /^\s*[=+\-@]/.test(plain) ? "'" + plain : plain;
  };
  document.getElementById("copy").addEventListener("click", async () => {
    const lines = [columns.map((column) => column.name).join("\t"), ...shown.map((row) => columns.map((column) => clean(column.show(row))).join("\t"))];
    const all = lines.join("\n") + "\n";
    let copied = false;
    try {
      await navigator.clipboard.writeText(all);
      copied = true;
    } catch {
      // A page opened from a file may not have the clipboard; the old way still works there.
      const area = document.createElement("textarea");
      area.value = all;
      document.body.append(area);
      area.select();
      copied = document.execCommand("copy");
      area.remove();
    }
    const count = shown.length.toLocaleString("en") + (shown.length === 1 ? " row" : " rows");
    said.textContent = copied ? count + " copied, for a spreadsheet or a mail" : "The browser did not let the page copy";
  });
  const open = (event) => {
    const row = event.target.closest("tr[data-number]");
    if (!row || String(getSelection())) return;
    const facts = details.querySelector("dl");
    facts.replaceChildren(...columns.flatMap((column) => {
      const value = column.show(shown[Number(row.dataset.number)]);
      return value === "" ? [] : [cell("dt", column.name), cell("dd", value)];
    }));
    details.showModal();
  };
  body.addEventListener("click", open);
  details.querySelector("button").addEventListener("click", () => details.close());
  let waiting = 0;
  find.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(choose, 120); });
  states.addEventListener("change", choose);
  grid.addEventListener("scroll", () => draw(false), { passive: true });
  addEventListener("resize", () => draw(false));
  addEventListener("beforeprint", () => { drawn = ""; draw(true); });
  addEventListener("afterprint", redraw);
  redraw();
})();
