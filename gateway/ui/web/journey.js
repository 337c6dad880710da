// Recent frames that the gateway decided about, and the way of one of them as a sequence diagram.

import { byId, h, message, model, on, put, s, seconds, span, title } from "./model.js";

const frames = byId("frames"), story = byId("story"), pin = byId("pin");
const EVERY_MS = 1500, SHOWN = 24;
let chosen = null, kept = false, since = 0, drawn = "";

export const wantedStory = () => byId("pane-journey").hidden ? null : chosen;
let changed = () => {};
export const onStory = (act) => { changed = act; };

export function keep(wanted = !kept) {
  kept = wanted;
  pin.setAttribute("aria-pressed", kept);
}
pin.addEventListener("click", () => keep());

const SIGNS = { forwarded: "→", filtered: "⊘", dropped: "✕" };

let listed = -1e9;
/** Not more often than one can read, and not under the pointer of who is about to choose. */
function list() {
  const now = performance.now(), busy = kept || frames.matches(":hover, :focus-within");
  if (!busy && now - listed > 500) {
    listed = now;
    const rows = model.journeys.slice(0, SHOWN);
    while (frames.children.length > rows.length) frames.lastChild.remove();
    while (frames.children.length < rows.length) frames.append(h("li", {}, h("button", { onclick: (event) => choose(+event.currentTarget.dataset.number, true) }, h("span", { class: "t" }), h("span"))));
    rows.forEach(([number, time, of, , hops], index) => {
      const at = frames.children[index].firstChild;
      at.dataset.number = number;
      put(at.children[0], `${(time / 1e9).toFixed(3)} `);
      put(at.children[1], `${title(message(of))} ${hops.map((hop) => SIGNS[hop[1]]).join("")}`);
    });
  }
  for (const { firstChild: at } of frames.children) at.setAttribute("aria-current", +at.dataset.number === chosen);
}

function choose(number, hold) {
  if (hold) keep(true);
  if (chosen === number) return;
  chosen = number; since = performance.now();
  changed();
}

/** While none is kept: now and then the newest frame whose way has ended, of those that went furthest. */
function pick() {
  if (kept || !model.journeys.length) return;
  if (performance.now() - since < EVERY_MS) return;
  const ended = model.journeys.filter(([, time, , , hops]) => time < model.time - 8e6 && hops.every((hop) => hop[1] !== "forwarded" || hop[3] !== null));
  const most = Math.max(0, ...ended.map((row) => row[4].length));
  const best = ended.find((row) => row[4].length === most) ?? model.journeys[0];
  choose(best[0], false);
}

// The diagram: a line for each who takes part, time downwards, stretched so that each step has room.

const STEP = 17, HEAD = 30, MARGIN = 72;

function lanesOf(first, hops) {
  const found = [{ kind: "sender", name: first[2] }, { kind: "bus", name: first[0] }, { kind: "gw", name: model.about.gateway || "gateway" }];
  for (const hop of hops) if (hop[4] && !found.some((lane) => lane.kind === "bus" && lane.name === hop[4][0])) found.push({ kind: "bus", name: hop[4][0] });
  return found;
}

function scale(times, most) {
  const sorted = [...new Set(times)].sort((a, b) => a - b), places = new Map();
  let y = HEAD + 20;
  sorted.forEach((time, index) => {
    if (index) y += Math.min(Math.max(STEP, most), Math.max(STEP, 11 * Math.log2(1 + (time - sorted[index - 1]) / 2e4)));
    places.set(time, y);
  });
  return [places, y, sorted];
}

function drawStory() {
  const found = model.story;
  if (!found || found[0] !== chosen) return;
  const [number, first, hex, hops] = found, text = JSON.stringify(found) + story.clientWidth;
  if (text === drawn) return;
  drawn = text;
  const [bus, of, sender, requested, start, end, receivers] = first, about = message(of);
  const lanes = lanesOf(first, hops), notes = hops.filter((hop) => !hop[4]);
  const width = Math.max(300, story.clientWidth - 12), pitch = Math.min(150, (width - MARGIN) / lanes.length);
  const x = (index) => MARGIN + (index + 0.5) * pitch, laneOf = (name) => lanes.findIndex((lane) => lane.kind === "bus" && lane.name === name);
  const outs = hops.filter((hop) => hop[4]).map((hop) => ({ hop, out: hop[4] }));
  const times = [requested, start, end, ...outs.flatMap(({ out }) => [Math.max(out[3], end), out[4], out[5]])];
  let most = 64, [y, low, sorted] = scale(times, most);
  while (most > STEP && low + 54 + notes.length * 32 > story.clientHeight) [y, low, sorted] = scale(times, most -= 6);
  const height = low + 26 + notes.length * 32;
  const svg = s("svg", { width, height, role: "img", "aria-label": describe(found) }, s("defs", {}, s("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, s("path", { d: "M0 0L8 4L0 8z", fill: "context-stroke" }))));
  lanes.forEach((lane, index) => {
    const name = lane.name.length * 7 > pitch - 8 ? lane.name.slice(0, Math.floor(pitch / 7) - 2) + "…" : lane.name, box = Math.min(pitch - 8, 104);
    svg.append(s("line", { class: "lane", x1: x(index), x2: x(index), y1: HEAD, y2: low + 12 }), s("rect", { class: `headbox ${lane.kind}`, x: x(index) - box / 2, y: 5, width: box, height: 24, rx: 6 }), s("text", { class: "head", x: x(index), y: 21, "text-anchor": "middle" }, name));
  });
  for (const time of sorted) svg.append(s("text", { class: "small", x: MARGIN - 18, y: y.get(time) + 4, "text-anchor": "end" }, time === sorted[0] ? seconds(time, 4) : `+${span(time - sorted[0])}`));
  const arrow = (from, to, at) => svg.append(s("line", { class: "arrow", x1: x(from) + (from < to ? 4 : -4), x2: x(to) + (from < to ? -6 : 6), y1: at, y2: at }));
  const bar = (index, from, to, name, what) => svg.append(s("rect", { class: name, x: x(index) - 4.5, y: from, width: 9, height: Math.max(3, to - from), rx: 2 }, s("title", {}, what)));
  const label = (at, place, words, name = "", anchor = "start") => svg.append(s("text", { class: name, x: at, y: place, "text-anchor": anchor }, words));
  arrow(0, 1, y.get(requested));
  if (start > requested) bar(1, y.get(requested), y.get(start), "bar-wait", `waits ${span(start - requested)} for the bus`);
  bar(1, y.get(start), y.get(end), "bar-frame", `on the bus for ${span(end - start)}`);
  label(x(1) + 9, (y.get(start) + y.get(end)) / 2 + 4, `${title(about)}`, "head");
  arrow(1, 2, y.get(end));
  outs.forEach(({ hop, out }) => {
    const lane = laneOf(out[0]), route = model.about.routes[hop[0]], asked = Math.max(out[3], end), back = lane < 2;
    bar(2, y.get(end), y.get(asked), "bar-gw", `${route.name}: ${span(asked - end)} in the gateway`);
    arrow(2, lane, y.get(asked));
    label(x(2) + (back ? -9 : 9), y.get(asked) - 4, route.name, "small", back ? "end" : "start");
    if (out[4] > asked) bar(lane, y.get(asked), y.get(out[4]), "bar-wait", `waits ${span(out[4] - asked)} for ${out[0]}`);
    bar(lane, y.get(out[4]), y.get(out[5]), "bar-frame", `${title(message(out[1]))} on ${out[0]} for ${span(out[5] - out[4])}`);
    const to = out[6].length ? `→ ${out[6].join(", ")}` : "", side = lane > 2 ? "end" : "start";
    label(x(lane) + (side === "end" ? -9 : 9), y.get(out[5]) + 13, `${title(message(out[1]))} ${to}`.slice(0, 44), "small", side);
  });
  notes.forEach((hop, index) => {
    const route = model.about.routes[hop[0]], at = low + 30 + index * 32, waits = hop[1] === "forwarded";
    label(10, at, `${SIGNS[hop[1]]} ${route.name} ${waits ? "forwarded: goes with the next frame" : `${hop[1]}: ${hop[2]}`}`, waits ? "" : hop[1]);
    label(10, at + 14, `    ${route.source} → ${route.target}   ${route.place.split("/").pop()}`, "small");
  });
  story.replaceChildren(h("div", { class: "soft" }, `${bus} ${about.identifier} ${about.name}  `, h("span", { class: "mono" }, hex.toUpperCase()), receivers.length ? `  → ${receivers.join(", ")}` : ""), svg);
}

/** The same as a sentence, for those who do not see the picture. */
function describe([, first, , hops]) {
  const way = hops.map((hop) => { const route = model.about.routes[hop[0]]; return `${route.name} to ${route.target} ${hop[1]}${hop[2] ? `, ${hop[2]}` : ""}${hop[4] ? `, through after ${span(hop[4][5] - first[5])}` : ""}`; });
  return `${title(message(first[1]))} of ${first[2]} on ${first[0]} at ${seconds(first[5])}: ${way.join("; ")}`;
}

/** What stands there while no way is shown. */
function hint() {
  story.replaceChildren(h("p", { class: "empty" }, model.about.routes.length ? "a click on a frame above shows its way through the gateway" : "no route is here, so no frame has a way to show"));
}

on("hello", () => { chosen = null; since = -1e9; drawn = ""; keep(false); frames.replaceChildren(); hint(); });
on("whole", () => { if (byId("pane-journey").hidden) return; pick(); list(); drawStory(); });
on("select", () => { keep(false); since = -1e9; });
