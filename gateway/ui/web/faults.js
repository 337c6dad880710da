// Faults: choose a kind and whom it is for, put it in, take it out.

import { byId, h, model, on, seconds, selection } from "./model.js";
import { command, problem } from "./link.js";

const pane = byId("pane-faults"), kinds = h("div"), form = h("form", { class: "form" }), list = h("div", { "aria-label": "faults at work" });
pane.append(kinds, form, list); // in this order: what is put in must not move what is under the pointer
let kind = null;

function choices(takes, given) {
  const about = model.about, ecus = about.parts.filter((part) => part.kind === "ecu" || part.kind === "rest bus").map((part) => part.name);
  if (takes === "ecu") return ecus;
  if (takes === "bus") return about.buses.map((bus) => bus.name);
  if (takes === "ecu on bus") return ["", ...about.parts.filter((part) => part.buses.includes(given.bus)).map((part) => part.name)];
  if (takes === "frames") return [...model.messages.filter((of) => of?.name && model.rows.has(of.number)).map((of) => `${of.bus}.${of.name}`).sort(), ...about.buses.map((bus) => bus.name)];
  if (takes === "protected") return model.messages.filter((of) => of?.signals.some((signal) => /counter|checksum|crc/i.test(signal.name))).map((of) => `${of.bus}.${of.name}`).sort();
  return null;
}

/** What is followed is what one wants to break. */
function preferred(takes) {
  const of = selection.kind === "message" ? model.messages[selection.message] : null;
  if (takes === "ecu") return selection.kind === "ecu" ? selection.name : of?.senders[0];
  if (takes === "bus") return selection.kind === "bus" ? selection.name : of?.bus;
  if (takes === "frames" || takes === "protected") return of ? `${of.bus}.${of.name}` : selection.kind === "bus" ? selection.name : null;
  return null;
}

function show() {
  const groups = Map.groupBy ? Map.groupBy(model.faultKinds, (each) => each.group) : grouped(model.faultKinds);
  kinds.replaceChildren(...[...groups].map(([group, of]) => h("div", { class: "group", role: "group", "aria-label": group }, h("span", {}, group), h("div", { class: "kinds" },
    ...of.map((each) => h("button", { type: "button", title: each.text, "aria-pressed": kind === each.name, "data-kind": each.name, onclick: () => { kind = each.name; show(); form.querySelector("select, input")?.focus(); } }, each.name))))));
  const chosen = model.faultKinds.find((each) => each.name === kind);
  form.hidden = !chosen;
  if (!chosen) return;
  const given = {}, fields = [];
  for (const [name, takes, otherwise, text] of chosen.arguments) {
    const of = choices(takes, given), id = `fault-${name}`;
    let field;
    if (of) {
      field = h("select", { id, name }, ...of.map((one) => h("option", { value: one }, one || "everybody")));
      const wish = preferred(takes);
      if (wish && of.includes(wish)) field.value = wish;
      given[name] = field.value;
      if (takes === "bus" && chosen.arguments.some((one) => one[1] === "ecu on bus")) field.addEventListener("change", () => { const next = byId("fault-ecu"); next.replaceChildren(...choices("ecu on bus", { bus: field.value }).map((one) => h("option", { value: one }, one || "everybody"))); });
    } else field = h("input", { id, name, value: otherwise, autocomplete: "off", placeholder: otherwise || "as it is" });
    fields.push(h("label", { for: id }, text), field);
  }
  form.replaceChildren(h("div", { class: "what" }, h("b", {}, chosen.name), h("span", { class: "soft" }, chosen.text), h("span", { class: "grow" }), h("button", { class: "primary", type: "submit", id: "inject" }, "⚡ put it in")), ...fields,
    h("label", { for: "fault-lasting" }, "for"), h("input", { id: "fault-lasting", name: "lasting", placeholder: "until taken out, or like 500ms", autocomplete: "off" }));
}
function grouped(all) { const found = new Map(); for (const each of all) found.set(each.group, [...found.get(each.group) ?? [], each]); return found; }

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = Object.fromEntries(new FormData(form)), lasting = given.lasting.trim();
  delete given.lasting;
  command({ fault: kind, arguments: given, lasting });
});
const undo = (number) => command({ undo: number });

let told = "";
function refresh() {
  const text = JSON.stringify(model.faults);
  if (text === told) return;
  told = text;
  byId("at-work").replaceChildren(...model.faults.map(([number, name, what]) => h("span", { class: "fault-chip" }, `${name} ${what}`, h("button", { "aria-label": `take out ${name} ${what}`, title: "take it out", onclick: () => undo(number) }, "✕"))));
  list.replaceChildren(...model.faults.map(([number, name, what, began, until]) => h("div", { class: "active-fault" }, h("b", {}, `⚡ ${name} ${what}`), h("span", { class: "soft" }, `since ${seconds(began)}${until === null ? "" : ` until ${seconds(until)}`}`), h("span", { class: "grow" }), h("button", { onclick: () => undo(number) }, "take out"))));
}

on("hello", () => { told = ""; kind = null; byId("tab-faults").hidden = !model.faultKinds.length; show(); });
on("whole", refresh);
on("select", () => { if (kind && !pane.contains(document.activeElement)) show(); });
export { problem };
