// What signals were lately: one ring of times and values each, for plots. Bounded, whatever is shown.

import { BUS, M, PATH, model, number, on, value, word } from "./model.js";

const ROOM = 4096, MOST = 600;
const series = new Map();

/** `m12.3` is signal 3 of message 12, `p7` is VSS path 7. */
export const keyOf = (message, index) => `m${message}.${index}`;
export const keyOfPath = (number) => `p${number}`;
/** `b1` is the load of bus 1. */
export const keyOfLoad = (bus) => `b${model.about.buses.findIndex((each) => each.name === bus)}`;
const busOf = (key) => model.about.buses[+key.slice(1)];

const tail = (name) => name.length > 23 ? `…${name.slice(-22)}` : name;

export function now(key) {
  if (key[0] === "b") { const row = model.buses.get(busOf(key)?.name); return row && row[BUS.load] * 100; }
  if (key[0] === "p") { const row = model.pathRows.get(+key.slice(1)); const found = row?.[PATH.value]; return typeof found === "boolean" ? +found : found; }
  const [message, index] = key.slice(1).split(".").map(Number);
  return value(model.rows.get(message), index);
}
export function about(key) {
  if (key[0] === "b") { const bus = busOf(key); return bus && { name: `${bus.name} load`, short: `${bus.name} load`, unit: "%", labels: [] }; }
  if (key[0] === "p") { const path = model.paths[+key.slice(1)]; return path && { name: path.path, short: tail(path.path.replace(/^Vehicle\./, "")), unit: path.unit, labels: [] }; }
  const [message, index] = key.slice(1).split(".").map(Number);
  const of = model.messages[message], signal = of?.signals[index];
  return signal && { name: `${of.bus}.${of.name}.${signal.name}`, short: tail(`${of.name}.${signal.name}`), unit: signal.unit, labels: signal.labels };
}
/** Its value as a word; an ellipsis until the first data is here. */
export function told(key) {
  if (key[0] === "b") return number(+(now(key) ?? 0).toFixed(1));
  const [of, which] = key.slice(1).split(".").map(Number);
  if (key[0] === "p") { const row = model.pathRows.get(of); return row ? number(row[PATH.value]) : "…"; }
  const row = model.rows.get(of);
  return row?.[M.values] ? word(row, which) : "…";
}
/** Why its value is not to be trusted; empty where it is, and before the first data. */
export function doubt(key) {
  if (key[0] === "p") { const quality = model.pathRows.get(+key.slice(1))?.[PATH.quality] ?? "good"; return quality === "good" ? "" : quality; }
  return stale(key) ? "stale" : "";
}
function stale(key) {
  if (key[0] === "b") return false;
  return Boolean(model.rows.get(+key.slice(1).split(".")[0])?.[M.stale]);
}

/** The ring of a signal, made when it is first asked for. */
export function ring(key) {
  let found = series.get(key);
  if (!found) {
    if (series.size >= MOST) series.delete(series.keys().next().value);
    series.set(key, found = { t: new Float64Array(ROOM), v: new Float64Array(ROOM), from: 0, n: 0 });
  }
  return found;
}

function push(at, time, found) {
  if (at.n === ROOM) { at.from = (at.from + 1) % ROOM; at.n--; }
  const place = (at.from + at.n) % ROOM;
  at.t[place] = time; at.v[place] = found; at.n++;
}

let last = 0;
on("snapshot", () => {
  const time = model.at / 1e9;
  if (time < last) for (const at of series.values()) at.n = 0;
  if (time !== last) for (const [key, at] of series) { const found = now(key); if (typeof found === "number") push(at, time, found); }
  last = time;
});
on("hello", () => series.clear());
