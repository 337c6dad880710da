// Lines of signals: small ones as paths, without axes; large ones on a canvas.

import { model } from "./model.js";
import { ring } from "./history.js";

const OKABE_ITO = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const dark = matchMedia("(prefers-color-scheme: dark)");
export const colour = (index) => { const found = OKABE_ITO[index % OKABE_ITO.length]; return dark.matches && found === "#0072b2" ? "#4aa3df" : found; };

function fit(canvas) {
  const scale = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale); canvas.height = Math.round(height * scale);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return [pen, width, height];
}

function limits(at, since) {
  let low = Infinity, high = -Infinity, first = at.n;
  for (let i = at.n - 1; i >= 0; i--) {
    const place = (at.from + i) % at.t.length;
    if (at.t[place] < since) break;
    first = i;
    if (at.v[place] < low) low = at.v[place];
    if (at.v[place] > high) high = at.v[place];
  }
  return [low, high, first];
}

/** A step line: a signal keeps its value until the next frame. */
function line(pen, at, first, x, y) {
  const room = at.t.length;
  let last = null;
  pen.beginPath();
  for (let i = first; i < at.n; i++) {
    const place = (at.from + i) % room, px = x(at.t[place]), py = y(at.v[place]);
    if (last === null) pen.moveTo(px, py);
    else { if (py !== last) pen.lineTo(px, last); pen.lineTo(px, py); }
    last = py;
  }
  pen.stroke();
  return last;
}

/** The shape of a small line, as a path of 76 by 22: hundreds of canvases are slow to paint, paths are not. */
export function spark(key, seconds = 10) {
  const at = ring(key), end = model.at / 1e9, since = end - seconds;
  const [low, high, first] = limits(at, since);
  if (first >= at.n) return "";
  const range = high - low, step = Math.max(1, (at.n - first) / 50), y = (v) => range ? 20 - (v - low) / range * 18 : 11;
  let path = "";
  for (let i = first; i < at.n; i += step) {
    const place = (at.from + Math.floor(i)) % at.t.length;
    path += `${path ? "L" : "M"}${((at.t[place] - since) / seconds * 76).toFixed(1)} ${y(at.v[place]).toFixed(1)}`;
  }
  return `${path}H76`;
}

function ticks(low, high, most) {
  const rough = (high - low) / most || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((k) => k >= rough);
  if (high <= low) return [];
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high + step * 1e-9; k++) found.push(k * step);
  return found.length < 2 && most < 16 ? ticks(low, high, most * 2) : found;
}

const spaced = (found, room) => found.length <= Math.max(2, room) ? found : [found[0], found.at(-1)];

/** `most` seconds, fewer while there is less to show. */
export function plot(canvas, key, index, most) {
  const at = ring(key), end = model.at / 1e9, begun = at.n ? at.t[at.from] : end;
  const seconds = Math.min(most, Math.max(5, end - begun)), since = end - seconds;
  let [low, high, first] = limits(at, since);
  const [pen, width, height] = fit(canvas);
  const style = getComputedStyle(canvas), soft = style.getPropertyValue("--soft"), grid = style.getPropertyValue("--line");
  if (first >= at.n) { low = 0; high = 1; }
  if (low === high) { low -= Math.abs(low) * 0.1 || 1; high += Math.abs(high) * 0.1 || 1; }
  const left = 42, right = width - 4, top = 24, bottom = height - 13;
  const x = (t) => left + (t - since) / seconds * (right - left), y = (v) => bottom - (v - low) / (high - low) * (bottom - top);
  pen.font = "10px system-ui, sans-serif"; pen.fillStyle = soft; pen.strokeStyle = grid; pen.lineWidth = 1;
  pen.textAlign = "right"; pen.textBaseline = "middle";
  for (const each of spaced(ticks(low, high, Math.max(1, Math.min(4, (bottom - top) / 15))), (bottom - top) / 12)) {
    const at_ = Math.round(y(each)) + 0.5;
    pen.beginPath(); pen.moveTo(left, at_); pen.lineTo(right, at_); pen.stroke();
    pen.fillText(String(+each.toPrecision(6)), left - 5, at_);
  }
  pen.textAlign = "center"; pen.textBaseline = "top";
  for (const each of ticks(Math.max(0, since), end, 5)) if (x(each) > left + 8 && x(each) < right - 12) pen.fillText(`${+each.toFixed(1)} s`, x(each), bottom + 2);
  if (first >= at.n) return;
  pen.save(); pen.beginPath(); pen.rect(left, 0, right - left, height); pen.clip();
  pen.strokeStyle = colour(index); pen.lineWidth = 1.8; pen.lineJoin = "round";
  const last = line(pen, at, first, x, y);
  const end_x = x(at.t[(at.from + at.n - 1) % at.t.length]);
  pen.fillStyle = colour(index); pen.beginPath(); pen.arc(Math.min(right - 2, end_x), last, 2.6, 0, 7); pen.fill();
  pen.restore();
}
