// The table of messages: a row each, its signals below it when it is open.

import { M, byId, count, follow, h, model, never, on, put, selection, span, title, word } from "./model.js";
import { followed, matches, textOf, words } from "./filter.js";
import { keyOf } from "./history.js";
import { isPlotted, toggle } from "./plots.js";

const NAMES = { stale: "has not come for three cycles", never: "should have come by now, and has not at all" };
const MOST = 500, HOT_MS = 600;
export const open = new Set();
const made = new Map();
const pane = byId("pane-messages"), body = h("tbody");
const empty = h("p", { class: "empty" }, "no message yet");
// A click on a head sorts by it, another one the other way, a third as the buses are.
const KEYS = {
  bus: (about) => about.bus, id: (about) => about.key & 0x1fffffff, message: title, from: (about) => model.rows.get(about.number)?.[M.sender] ?? "",
  frames: (about) => model.rows.get(about.number)?.[M.frames] ?? 0, period: (about) => model.rows.get(about.number)?.[M.period] ?? 0, jitter: (about) => model.rows.get(about.number)?.[M.jitter] ?? 0,
};
const order = { by: null, down: false };
function head(name) {
  const attributes = { scope: "col", class: ["frames", "period", "jitter"].includes(name) ? "n" : null };
  if (!KEYS[name]) return h("th", attributes, name);
  const button = h("button", { class: "head", title: `sort by ${name}`, onclick: () => {
    if (order.by !== name) Object.assign(order, { by: name, down: attributes.class === "n" });
    else if (order.down === (attributes.class === "n")) order.down = !order.down;
    else order.by = null;
    for (const each of pane.querySelectorAll("th")) if (each.textContent === order.by) each.setAttribute("aria-sort", order.down ? "descending" : "ascending"); else each.removeAttribute("aria-sort");
    arrange();
  } }, name);
  return h("th", attributes, button);
}
function sorted(all) {
  const key = KEYS[order.by];
  if (!key) return all;
  const way = order.down ? -1 : 1;
  return all.sort((a, b) => { const x = key(a), y = key(b); return (x < y ? -1 : x > y ? 1 : 0) * way || a.number - b.number; });
}

pane.append(h("table", { "aria-label": "messages" }, h("thead", {}, h("tr", {},
  ...["bus", "id", "message", "from", "frames", "period", "jitter", "data"].map(head))), body), empty);

let shown = [], hot = [];

function rowOf(about) {
  const cells = ["", "mono", "name", "", "n", "n", "n", "mono hex"].map((name) => h("td", { class: name }));
  cells[0].textContent = about.bus; cells[1].textContent = about.identifier;
  cells[2].append(h("span", {}, title(about)), h("span", { class: "mark stale", hidden: true }));
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
  const row = model.rows.get(found.about.number), word_ = row ? row[M.stale] ? "stale" : "" : never(found.about) ? "never" : "";
  if (word_ !== found.word) { found.word = word_; found.tr.classList.toggle("stale", word_ !== ""); const mark_ = found.cells[2].lastChild; mark_.hidden = !word_; put(mark_, word_); mark_.title = NAMES[word_] ?? ""; }
  if (row === found.row || !row) { if (!row) put(found.cells[4], "0"); return; }
  const before = found.row;
  found.row = row;
  const { cells } = found;
  put(cells[3], row[M.sender]); put(cells[4], count(row[M.frames]));
  put(cells[5], row[M.period] ? span(row[M.period]) : "–"); put(cells[6], row[M.period] ? `±${span(row[M.jitter])}` : "–");
  if (before?.[M.hex] !== row[M.hex]) bytesOf(found, row[M.hex]);
  if (row[M.changed]) heat(found, row[M.changed]);
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
  const all = sorted(model.messages.filter((about) => about && (model.rows.has(about.number) || never(about)) && (!only || only.has(about.number)) && matches(textOf(about), wanted)));
  shown = all.slice(0, MOST).map((about) => made.get(about.number) ?? rowOf(about));
  const focused = document.activeElement;
  const rows = shown.flatMap((found) => open.has(found.about.number) ? [found.tr, found.detail] : [found.tr]);
  body.replaceChildren(...rows);
  if (focused && body.contains(focused)) focused.focus({ preventScroll: true });
  shown.forEach((found, index) => { found.tr.tabIndex = index === 0 ? 0 : -1; refreshRow(found); });
  if (focused?.tagName === "TR" && body.contains(focused)) { shown[0].tr.tabIndex = -1; focused.tabIndex = 0; }
  empty.hidden = all.length > 0; put(empty, wanted.length || only ? "no message is like that" : "no message yet");
  const total = model.rows.size + missing();
  if (!pane.hidden) put(byId("shown"), `${all.length === total ? total : `${all.length} of ${total}`} messages${all.length > MOST ? `, ${MOST} shown` : ""}`);
  mark();
}

function mark() {
  for (const found of shown) found.tr.classList.toggle("chosen", selection.kind === "message" && selection.message === found.about.number);
}

export const opened = () => [...open];
const missing = () => model.messages.reduce((total, about) => total + never(about), 0);
let known = 0, sortedAt = 0;
on("hello", () => { watcher.disconnect(); seen.clear(); made.clear(); open.clear(); known = 0; arrange(); });
on("whole", () => {
  const there = model.rows.size * 4096 + missing(), now = performance.now();
  if (there !== known || (order.by && !pane.hidden && now - sortedAt > 1000 && !pane.matches(":hover, :focus-within"))) { known = there; sortedAt = now; arrange(); }
  if (pane.hidden) return;
  for (const found of shown) refreshRow(found);
  cool();
});
on("snapshot", () => { if (!pane.hidden) for (const number of open) { const found = made.get(number); if (found) { refreshRow(found); refreshChips(found); } } });
on("select", () => {
  if (selection.kind === "message" && made.has(selection.message)) mark();
  arrange();
});
