// The page: header, tabs, keys, and what of all this is on the screen, which is told to the vehicle.

import { byId, count, follow, model, on, put, selection } from "./model.js";
import { command, connect, show } from "./link.js";
import { journeysOf, numbersOf } from "./filter.js";
import * as journey from "./journey.js";
import * as messages from "./messages.js";
import * as plots from "./plots.js";
import * as signals from "./signals.js";
import * as tables from "./tables.js";
import * as trace from "./trace.js";
import { keyOfLoad } from "./history.js";
import "./faults.js";
import "./topology.js";

const visible = (id) => !byId(id).hidden;

function tellWhatIsShown() {
  if (!model.about) return;
  const keys = [...plots.plotted(), ...signals.visibleKeys()], parts = ["buses", "messages", "ecus", "signals", "routes", "services"];
  if (visible("pane-events")) parts.push("events");
  if (visible("pane-nodes")) parts.push("nodes");
  if (visible("pane-journey")) parts.push("journeys");
  const [frames, routes] = journeysOf();
  show({
    parts, messages: messages.visibleRows().sort((a, b) => a - b), decoded: [...new Set([...numbersOf(keys), ...(visible("pane-messages") ? messages.opened() : [])])].sort((a, b) => a - b),
    paths: keys.filter((key) => key[0] === "p").map((key) => +key.slice(1)).sort((a, b) => a - b),
    frames_of: frames, routes_of: routes, story: journey.wantedStory(), trace: trace.wantedTrace(),
  });
}
let asked = false;
function shown() {
  if (asked) return;
  asked = true;
  queueMicrotask(() => { asked = false; tellWhatIsShown(); });
}
signals.onVisible(shown);
messages.onVisible(shown);
journey.onStory(shown);
trace.onTrace(shown);
on("select", shown);
on("whole", shown);

// Tabs

function choose(tab) {
  const list = tab.closest("[role=tablist]");
  for (const each of list.querySelectorAll("[role=tab]")) {
    const own = each === tab;
    each.setAttribute("aria-selected", own); each.tabIndex = own ? 0 : -1;
    byId(each.getAttribute("aria-controls")).hidden = !own;
  }
  byId("pin").hidden = !visible("pane-journey");
  arrange(); shown();
}
for (const tab of document.querySelectorAll("[role=tab]")) {
  tab.addEventListener("click", () => choose(tab));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const all = [...tab.closest("[role=tablist]").querySelectorAll("[role=tab]:not([hidden])")], next = all.at((all.indexOf(tab) + step) % all.length);
    choose(next); next.focus();
  });
}
function arrange() { if (visible("pane-messages")) messages.arrange(); signals.arrange(); tables.arrange(); trace.arrange(); }
byId("filter").addEventListener("input", arrange);
byId("filter").addEventListener("keydown", (event) => {
  if (event.key === "Escape") { byId("filter").value = ""; arrange(); byId("filter").blur(); event.stopPropagation(); }
  if (event.key === "ArrowDown" || event.key === "Enter") { event.preventDefault(); document.querySelector(".pane:not([hidden]) tbody tr, .pane:not([hidden]) .card")?.focus(); }
});

// Header

function header() {
  put(byId("clock"), `${(model.time / 1e9).toFixed(2)} s`);
  put(byId("rate"), `${count(Math.round(model.rate))} frames/s`);
  const row = model.playback;
  byId("playback").hidden = !row;
  if (!row) return;
  const [position, length, paused, speed] = row, slider = byId("slider");
  put(byId("play"), paused ? "▶" : "❚❚");
  slider.hidden = length === null;
  if (length !== null) {
    slider.max = length / 1e6;
    if (!slider.matches(":active")) slider.value = position / 1e6;
    slider.setAttribute("aria-valuetext", `${(position / 1e9).toFixed(1)} of ${(length / 1e9).toFixed(1)} seconds`);
    put(byId("clock"), `${(position / 1e9).toFixed(2)} s`);
    put(byId("rate"), `of ${(length / 1e9).toFixed(1)} s`);
  }
  if (document.activeElement !== byId("speed")) byId("speed").value = String(speed);
}
const hold = () => { if (model.playback) command(model.playback[2] ? { go_on: true } : { pause: true }); };
byId("play").addEventListener("click", hold);
byId("speed").addEventListener("change", (event) => { command({ go_on: true, speed: +event.target.value }); event.target.blur(); });
let seeking = false;
byId("slider").addEventListener("input", async (event) => {
  if (seeking) return;
  seeking = true;
  let asked_ = null;
  while (asked_ !== event.target.value) { asked_ = event.target.value; await command({ seek: asked_ * 1e6 }); }
  seeking = false;
});
const plotLoad = () => { if (selection.kind === "bus") plots.toggle(keyOfLoad(selection.name)); };
byId("plot-load").addEventListener("click", plotLoad);
byId("clear").addEventListener("click", () => follow(null));
byId("help-button").addEventListener("click", () => byId("help").showModal());
byId("span").addEventListener("change", plots.draw);
on("snapshot", header);
on("select", () => {
  byId("selection").hidden = !selection.kind;
  byId("plot-load").hidden = selection.kind !== "bus";
  put(byId("selected"), selection.kind ? `${selection.kind} ${selection.name}` : "");
});
on("hello", () => {
  const name = model.title || model.about.name;
  put(byId("name"), name); document.title = `${name} · vehicle-gateway`;
  if (selection.kind) follow(null);
});

// Keys

const TABS = ["tab-messages", "tab-trace", "tab-signals", "tab-routes", "tab-events", "tab-nodes", "tab-services", "tab-journey", "tab-faults"];
function walk(step) {
  const all = [...document.querySelectorAll(".pane:not([hidden]) tbody tr:not(.signals)")], at = all.indexOf(document.activeElement);
  const next = all[Math.max(0, Math.min(all.length - 1, at + step))];
  if (!next) return;
  if (all[at]) all[at].tabIndex = -1;
  next.tabIndex = 0; next.focus(); next.scrollIntoView({ block: "nearest" });
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
  const typing = event.target.matches("input:not([type=range]), select"), key = event.key;
  if (key === "Escape") { if (typing) event.target.blur(); else follow(null); return; }
  if (typing) return;
  if (key === "/") { event.preventDefault(); byId("filter").focus(); }
  else if (key === "?") byId("help").showModal();
  else if (key === " " && !event.target.matches("button, [role=button]")) { event.preventDefault(); hold(); }
  else if (key === "k") journey.keep();
  else if (key === "l") plotLoad();
  else if (key === "h" && visible("pane-trace")) trace.hold();
  else if (key === "c" && visible("pane-trace")) trace.clear();
  else if (key === "p" && event.target.dataset.key) event.target.click();
  else if (key === "ArrowDown" || key === "ArrowUp") { if (!event.target.matches("[type=range]") && (event.target.matches("tr") || event.target === document.body)) { event.preventDefault(); walk(key === "ArrowDown" ? 1 : -1); } }
  else if (TABS[key - 1] && !byId(TABS[key - 1]).hidden) choose(byId(TABS[key - 1]));
});

connect();
