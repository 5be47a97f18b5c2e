// Text with entities -> DOM. Offsets count UTF-16 code units, which is how JavaScript counts too.
// Everything becomes text nodes and elements; no message can ever become markup.

import { withSigns } from "./emoji.js";

const TAGS = {
  bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code", pre: "pre",
  blockquote: "blockquote", expandable_blockquote: "blockquote", spoiler: "span",
};

const BLOCKS = new Set(["pre", "blockquote"]);
const AMOUNT = /([+\-−]?₹[\d,.]*\d)/;

/** The sandbox's clock may be shifted; `offset_s` is added to this computer's. */
let offset_s = 0;
export function setClock(now_s) { offset_s = now_s - Date.now() / 1000; }
export function now_s() { return Date.now() / 1000 + offset_s; }

// The owner trades in India; the same hour must stand on every screen.
const ZONE = "Asia/Kolkata";
const hhmm = new Intl.DateTimeFormat("en-IN", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: ZONE });
const dayName = new Intl.DateTimeFormat("en-IN", { weekday: "long", day: "numeric", month: "long", timeZone: ZONE });
export const clock = (at_s) => hhmm.format(new Date(at_s * 1000));
export const day = (at_s) => dayName.format(new Date(at_s * 1000));

function relative(at_s) {
  const away = Math.round(at_s - now_s());
  const size = Math.abs(away);
  const [count, unit] = size < 90 ? [size, "s"] : size < 3600 ? [Math.floor(size / 60), "min"]
    : size < 86400 ? [Math.floor(size / 3600), "h"] : [Math.floor(size / 86400), "d"];
  if (size < 1) return "now";
  return away > 0 ? `in ${count} ${unit}` : `${count} ${unit} ago`;
}

function absolute(at_s, format, words) {
  const date = new Date(at_s * 1000);
  const parts = [];
  const put = (options) => parts.push(new Intl.DateTimeFormat("en-IN", { timeZone: ZONE, ...options }).format(date));
  if (format.includes("w")) put({ weekday: "long" });
  if (format.includes("D")) put({ day: "numeric", month: "long", year: "numeric" });
  if (format.includes("d")) put({ day: "2-digit", month: "2-digit", year: "2-digit" });
  if (format.includes("T")) put({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  if (format.includes("t")) put({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return parts.join(", ") || words;
}

/** Redraw every relative time on the page; called once a second. */
export function tickTimes(root) {
  for (const time of root.querySelectorAll("time[data-format='r']")) {
    const text = relative(Number(time.dataset.unix));
    if (time.textContent !== text) time.textContent = text;
  }
}

function timeElement(entity, words) {
  const time = document.createElement("time");
  time.className = "when";
  time.dataset.unix = entity.unix_time;
  time.dataset.format = entity.date_time_format || "";
  time.dateTime = new Date(entity.unix_time * 1000).toISOString();
  time.title = absolute(entity.unix_time, "wDT", "");
  time.textContent = time.dataset.format === "r" ? relative(entity.unix_time)
    : absolute(entity.unix_time, time.dataset.format, words);
  return time;
}

function linkElement(address) {
  const link = document.createElement("a");
  const full = /^[a-z]+:/i.test(address) ? address : `https://${address}`;
  if (/^(https?|mailto|tg):/i.test(full)) link.href = full;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  return link;
}

function element(entity, words, actions) {
  if (entity.type === "date_time") return timeElement(entity, words);
  if (entity.type === "text_link") return linkElement(entity.url);
  if (entity.type === "url") return linkElement(words);
  if (entity.type === "bot_command") {
    const command = document.createElement("button");
    command.type = "button";
    command.className = "command";
    command.addEventListener("click", () => actions.send(words));
    return command;
  }
  const made = document.createElement(TAGS[entity.type] || "span");
  if (entity.type === "spoiler") reveal(made);
  if (entity.type === "expandable_blockquote") expand(made);
  if (entity.type === "code" && actions.copy) {
    made.title = "Copy";
    made.addEventListener("click", () => actions.copy(words));
  }
  return made;
}

function reveal(spoiler) {
  spoiler.className = "spoiler";
  spoiler.tabIndex = 0;
  spoiler.setAttribute("role", "button");
  spoiler.setAttribute("aria-label", "Hidden text; press to show");
  const show = () => { spoiler.classList.add("open"); spoiler.removeAttribute("aria-label"); };
  spoiler.addEventListener("click", show);
  spoiler.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") show(); });
}

function expand(quote) {
  quote.className = "more";
  quote.tabIndex = 0;
  quote.setAttribute("aria-expanded", "false");
  const toggle = () => quote.setAttribute("aria-expanded", String(quote.classList.toggle("open")));
  quote.addEventListener("click", toggle);
  quote.addEventListener("keydown", (event) => { if (event.key === "Enter") toggle(); });
}

/** Text in which an amount never breaks between sign, rupee and digits. */
function plain(text) {
  const nodes = document.createDocumentFragment();
  for (const piece of text.split(AMOUNT)) {
    if (!AMOUNT.test(piece)) nodes.append(withSigns(piece));
    else {
      const amount = document.createElement("span");
      amount.className = "amount";
      amount.textContent = piece;
      nodes.append(amount);
    }
  }
  return nodes;
}

/**
 * Build the nodes of a text. Entities come sorted by offset, outer before inner, and never overlap
 * in part, so one walk with a recursion for what lies inside is enough.
 */
export function richText(text, entities, actions, from = 0, to = text.length) {
  const nodes = document.createDocumentFragment();
  let at = from;
  for (let i = 0; i < entities.length; i += 1) {
    const entity = entities[i];
    const end = entity.offset + entity.length;
    if (entity.offset < at || end > to) continue;
    nodes.append(plain(text.slice(at, entity.offset)));
    const inside = entities.slice(i + 1).filter((e) => e.offset >= entity.offset && e.offset + e.length <= end);
    const made = element(entity, text.slice(entity.offset, end), actions);
    if (entity.type !== "date_time") made.append(richText(text, inside, actions, entity.offset, end));
    nodes.append(made);
    // A block ends its line by itself; the newline after it would add an empty one.
    at = BLOCKS.has(made.localName) && text[end] === "\n" ? end + 1 : end;
  }
  nodes.append(plain(text.slice(at, to)));
  return nodes;
}
