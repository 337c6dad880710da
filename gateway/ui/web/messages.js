// The table of messages: a row each, its signals below it when it is open.

import { M, byId, count, follow, h, model, on, put, selection, span, title, word } from "./model.js";
import { followed, matches, textOf, words } from "./filter.js";
import { keyOf } from "./history.js";
import { isPlotted, toggle } from "./plots.js";

const MOST = 500, HOT_MS = 600;
export const open = new Set();
const made = new Map();
const pane = byId("pane-messages"), body = h("tbody");
const empty = h("p", { class: "empty" }, "no message yet");
pane.append(h("table", { "aria-label": "messages" }, h("thead", {}, h("tr", {},
  ...["bus", "id", "message", "from"].map((name) => h("th", { scope: "col" }, name)),
  ...["frames", "period", "jitter"].map((name) => h("th", { scope: "col", class: "n" }, name)),
  h("th", { scope: "col" }, "data"))), body), empty);

let shown = [], hot = [];

function rowOf(about) {
  const cells = ["", "mono", "name", "", "n", "n", "n", "mono hex"].map((name) => h("td", { class: name }));
  cells[0].textContent = about.bus; cells[1].textContent = about.identifier;
  cells[2].append(h("span", {}, title(about)), h("span", { class: "mark stale", hidden: true }, "stale"));
  const tr = h("tr", { tabindex: -1, "data-number": about.number, "aria-expanded": "false" }, ...cells);
  const found = { about, tr, cells, bytes: [], row: null, detail: null, chips: [] };
  tr.addEventListener("click", () => { follow("message", about.bus + "." + title(about), about.number); openRow(found, selection.message === about.number); });
  tr.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); tr.click(); } });
  made.set(about.number, found);
  watcher.observe(tr);
  return found;
}

// Which rows are on the screen: the others are sent less often.
const seen = new Set();
let changed = () => {};
export const onVisible = (act) => { changed = act; };
export const visibleRows = () => pane.hidden ? [] : [...seen];
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) seen.add(+target.dataset.number); else seen.delete(+target.dataset.number);
  changed();
}, { root: pane, rootMargin: "80px" });

export function openRow(found, wanted) {
  const { about, tr } = found;
  if (wanted === open.has(about.number)) return;
  if (wanted) open.add(about.number); else open.delete(about.number);
  tr.setAttribute("aria-expanded", wanted);
  if (!found.detail) {
    found.chips = about.signals.map((signal, index) => chip(about, signal, index));
    found.detail = h("tr", { class: "signals" }, h("td", { colspan: 8 },
      h("p", { class: "about" }, [about.comment, about.cycle_ns ? `every ${span(about.cycle_ns)} by the database` : "", about.receivers.length ? `for ${about.receivers.join(", ")}` : ""].filter(Boolean).join(" · ") || "no database knows it"),
      h("div", { class: "chips" }, ...found.chips.map((one) => one.at))));
  }
  if (wanted) tr.after(found.detail); else found.detail.remove();
  refreshChips(found);
}

function chip(about, signal, index) {
  const value = h("span", { class: "v" }), key = keyOf(about.number, index);
  const at = h("button", { class: "chip", "data-key": key, title: `${signal.name}${signal.comment ? `: ${signal.comment}` : ""}`, "aria-pressed": isPlotted(key), onclick: () => { toggle(key); at.setAttribute("aria-pressed", isPlotted(key)); } },
    h("span", { class: "k" }, signal.name), value);
  return { at, value, index, unit: signal.unit, key };
}

function refreshChips(found) {
  const row = model.rows.get(found.about.number);
  for (const each of found.chips) put(each.value, `${word(row, each.index)}${each.unit ? ` ${each.unit}` : ""}`);
}

function bytesOf(found, hex) {
  const length = hex.length / 2, cell = found.cells[7];
  if (found.bytes.length !== length) {
    found.bytes = Array.from({ length }, () => h("span"));
    cell.replaceChildren(...found.bytes);
  }
  for (let i = 0; i < length; i++) put(found.bytes[i], hex.slice(2 * i, 2 * i + 2).toUpperCase());
}

function refreshRow(found) {
  const row = model.rows.get(found.about.number);
  if (row === found.row || !row) return;
  const before = found.row;
  found.row = row;
  const { cells } = found;
  put(cells[3], row[M.sender]); put(cells[4], count(row[M.frames]));
  put(cells[5], row[M.period] ? span(row[M.period]) : "–"); put(cells[6], row[M.period] ? `±${span(row[M.jitter])}` : "–");
  if (before?.[M.hex] !== row[M.hex]) bytesOf(found, row[M.hex]);
  if (row[M.changed]) heat(found, row[M.changed]);
  if (Boolean(before?.[M.stale]) !== Boolean(row[M.stale])) { found.tr.classList.toggle("stale", Boolean(row[M.stale])); cells[2].lastChild.hidden = !row[M.stale]; }
}

function heat(found, changed) {
  const until = performance.now() + HOT_MS;
  for (let i = 0; i < found.bytes.length; i++) if (changed.slice(2 * i, 2 * i + 2) !== "00" && changed.length > 2 * i) {
    const at = found.bytes[i];
    if (!at.until) hot.push(at);
    at.until = until; at.classList.add("hot");
  }
}

function cool() {
  const now = performance.now();
  hot = hot.filter((at) => { if (at.until > now) return true; at.until = 0; at.classList.remove("hot"); return false; });
}

/** Which rows are there, in which order: anew after a word in the filter, a click, a new message. */
export function arrange() {
  const wanted = words(), only = followed();
  const all = model.messages.filter((about) => about && model.rows.has(about.number) && (!only || only.has(about.number)) && matches(textOf(about), wanted));
  shown = all.slice(0, MOST).map((about) => made.get(about.number) ?? rowOf(about));
  const focused = document.activeElement;
  const rows = shown.flatMap((found) => open.has(found.about.number) ? [found.tr, found.detail] : [found.tr]);
  body.replaceChildren(...rows);
  if (focused && body.contains(focused)) focused.focus({ preventScroll: true });
  shown.forEach((found, index) => { found.tr.tabIndex = index === 0 ? 0 : -1; refreshRow(found); });
  if (focused?.tagName === "TR" && body.contains(focused)) { shown[0].tr.tabIndex = -1; focused.tabIndex = 0; }
  empty.hidden = all.length > 0; put(empty, wanted.length || only ? "no message is like that" : "no message yet");
  const total = model.rows.size;
  if (!pane.hidden) put(byId("shown"), `${all.length === total ? total : `${all.length} of ${total}`} messages${all.length > MOST ? `, ${MOST} shown` : ""}`);
  mark();
}

function mark() {
  for (const found of shown) found.tr.classList.toggle("chosen", selection.kind === "message" && selection.message === found.about.number);
}

export const opened = () => [...open];
let known = 0;
on("hello", () => { watcher.disconnect(); seen.clear(); made.clear(); open.clear(); known = 0; arrange(); });
on("whole", () => {
  if (model.rows.size !== known) { known = model.rows.size; arrange(); }
  if (pane.hidden) return;
  for (const found of shown) refreshRow(found);
  cool();
});
on("snapshot", () => { if (!pane.hidden) for (const number of open) { const found = made.get(number); if (found) { refreshRow(found); refreshChips(found); } } });
on("select", () => {
  if (selection.kind === "message" && made.has(selection.message)) mark();
  arrange();
});
