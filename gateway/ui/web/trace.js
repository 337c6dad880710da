// The frames one after the other. It goes on while its end is on the screen; who scrolls up, or opens a row, holds it.

import { byId, h, message, model, number, on, put, span, title } from "./model.js";
import { followed, matches, textOf, words } from "./filter.js";

const ROOM = 5000, ROW = 22, MORE = 12;
const pane = byId("pane-trace"), body = h("tbody"), above = h("tr"), below = h("tr");
const empty = h("p", { class: "empty" }, "no frame yet");
pane.append(h("table", { "aria-label": "trace" }, h("thead", {}, h("tr", {},
  ...["#time", "#Δ of its message", "bus", "id", "message", "from", "#bytes", "data"].map((name) => h("th", { scope: "col", class: name[0] === "#" ? "n" : null }, name.replace("#", ""))))), body), empty);
const bar = byId("trace-bar"), holding = byId("trace-hold"), note = byId("trace-note");

let rows = [], skipped = 0, waiting = 0, held = false, chosen = null, values = null, last = new Map(), serial = 0;
let changed = () => {};
export const onTrace = (act) => { changed = act; };

/** What is on the screen of it, for the vehicle; null when it is not. */
export function wantedTrace() {
  if (pane.hidden) return null;
  const wanted = words(), only = followed();
  const of = wanted.length || only ? model.messages.filter((about) => about && (!only || only.has(about.number)) && matches(textOf(about), wanted)).map((about) => about.number).slice(0, 4096) : null;
  return { of, row: chosen ? [chosen.of, chosen.hex] : null };
}

export function hold(wanted = !held) {
  held = wanted;
  holding.setAttribute("aria-pressed", held);
  put(holding, held ? "▶ go on" : "❚❚ hold");
  if (!held) { chosen = null; waiting = 0; changed(); pane.scrollTop = pane.scrollHeight; draw(); }
  tell();
}
holding.addEventListener("click", () => hold());
byId("trace-clear").addEventListener("click", clear);

export function clear() {
  rows = []; skipped = waiting = 0; last = new Map(); values = null;
  if (held) hold(false); else { draw(); tell(); }
}
let filter = "";
export function arrange() {
  bar.hidden = pane.hidden;
  if (pane.hidden) return;
  const now = `${words().join(" ")}|${[...followed() ?? ["all"]].join()}`;
  if (now !== filter) { filter = now; clear(); changed(); }
  draw(); tell();
}

function take(found) {
  const wanted = wantedTrace()?.of, only = wanted && new Set(wanted);
  for (const [time, of, hex, from, gap] of found.rows) {
    if (only && !only.has(of)) continue; // was on its way when the filter changed
    const before = last.get(of), hot = [];
    for (let i = 0; i < hex.length; i += 2) hot.push(before !== undefined && before.slice(i, i + 2) !== hex.slice(i, i + 2));
    last.set(of, hex);
    rows.push({ serial: ++serial, time, of, hex, from, gap, hot });
  }
  skipped += found.skipped;
  if (held) waiting += found.rows.length + found.skipped;
  // What is held must not go away under the eyes of who reads it.
  const most = held ? 2 * ROOM : ROOM;
  if (rows.length > most) { const gone = rows.length - most; rows.splice(0, gone); if (held) pane.scrollTop -= gone * ROW; }
}

function tell() {
  if (pane.hidden) return;
  put(note, [held && waiting ? `held; ${waiting} have come since` : "", skipped ? `${skipped} came faster than one reads: filter to see each` : ""].filter(Boolean).join(" · "));
  put(byId("shown"), `${rows.length} frames`);
}

function line(row) {
  const about = message(row.of);
  const data = h("td", { class: "mono hex" }, ...row.hot.map((hot, i) => h("span", { class: hot ? "hot" : null }, row.hex.slice(2 * i, 2 * i + 2).toUpperCase())));
  const tr = h("tr", { tabindex: -1, "data-serial": row.serial, class: chosen === row ? "chosen" : null, onpointerdown: (event) => { if (event.button === 0) open(row); }, onkeydown: (event) => { if (event.key === "Enter") { event.preventDefault(); open(row); } } },
    h("td", { class: "n" }, (row.time / 1e9).toFixed(6)), h("td", { class: "n soft" }, row.gap === null ? "" : span(row.gap)), h("td", {}, about?.bus ?? ""), h("td", { class: "mono" }, about?.identifier ?? ""), h("td", { class: "name" }, title(about)), h("td", {}, row.from), h("td", { class: "n" }, String(row.hex.length / 2)), data);
  if (chosen !== row) return [tr];
  const chips = (about?.signals ?? []).map((signal, index) => { const found = values?.[index]; return h("span", { class: "chip" }, h("span", { class: "k" }, signal.name), h("span", { class: "v" }, `${Array.isArray(found) ? found[1] : number(found)}${signal.unit ? ` ${signal.unit}` : ""}`)); });
  return [tr, h("tr", { class: "signals" }, h("td", { colspan: 8 }, chips.length ? h("div", { class: "chips" }, ...chips) : h("p", { class: "about" }, "no database knows it")))];
}

function open(row) {
  if (chosen === row) chosen = null; else { chosen = row; values = null; if (!held) hold(true); }
  changed(); draw();
}

/** Only the rows that are on the screen are made; those above and below are room. */
function draw() {
  if (pane.hidden) return;
  empty.hidden = rows.length > 0;
  const many = Math.ceil(pane.clientHeight / ROW) + 2 * MORE;
  const first = held ? Math.max(0, Math.min(rows.length - many, Math.floor(pane.scrollTop / ROW) - MORE)) : Math.max(0, rows.length - many);
  const shown = rows.slice(first, first + many);
  above.style.height = `${first * ROW}px`; below.style.height = `${Math.max(0, rows.length - first - shown.length) * ROW}px`;
  body.replaceChildren(above, ...shown.flatMap(line), below);
  if (!held) pane.scrollTop = pane.scrollHeight;
}
let drawing = false;
pane.addEventListener("scroll", () => {
  if (drawing || !held) return;
  drawing = true;
  requestAnimationFrame(() => { drawing = false; if (!chosen) draw(); });
});
pane.addEventListener("wheel", (event) => { if (event.deltaY < 0 && !held && rows.length) hold(true); }, { passive: true });

on("whole", () => {
  if (pane.hidden) return;
  if (model.trace) { take(model.trace); model.trace = null; if (!held) draw(); }
  if (chosen && model.row && !values) { values = model.row; draw(); }
  model.row = null;
  tell();
});
on("hello", () => { clear(); serial = 0; });
on("select", arrange);
