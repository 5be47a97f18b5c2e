// One message -> one list item.
import { withSigns } from "./emoji.js";
import { clock, day, richText } from "./text.js";

function make(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

export const wordsOf = (message) => message.text ?? message.caption
  ?? (message.photo ? "Photo" : message.document ? message.document.file_name : "Message");

export function dayLine(at_s) {
  const line = make("li", "line", make("span", "", day(at_s)));
  line.dataset.day = day(at_s);
  return line;
}

function serviceText(message) {
  if (message.pinned_message) {
    return `${message.from.first_name} pinned “${wordsOf(message.pinned_message).split("\n")[0].slice(0, 40)}”`;
  }
  return message.forum_topic_created ? `Topic “${message.forum_topic_created.name}”` : "";
}

/** Build the item of a message; `actions` are send, tap, copy, jump. */
export function bubble(message, actions) {
  const service = serviceText(message);
  const item = service ? make("li", "line service", make("span", "", withSigns(service))) : bubbleItem(message, actions);
  item.dataset.messageId = message.message_id;
  return item;
}

function bubbleItem(message, actions) {
  const item = make("li", "row");
  item.dataset.own = String(message.own);
  item.dataset.silent = String(Boolean(message.silent));
  const body = make("div", "bubble");
  if (message.has_protected_content) body.classList.add("protected");
  if (!message.own && !message.from.is_bot) body.append(make("b", "from", message.from.first_name));
  if (message.reply_to_message) body.append(quote(message.reply_to_message, actions));
  if (message.photo) body.append(photo(message));
  if (message.document) body.append(documentRow(message.document));
  const words = make("div", "words");
  const safe = { ...actions, copy: message.has_protected_content ? null : actions.copy };
  const rich = (message.rich_message?.blocks ?? []).map((block) => block.text).join("\n");
  words.append(richText(message.text ?? message.caption ?? rich,
    message.entities ?? message.caption_entities ?? [], safe));
  if (words.textContent) body.append(words);
  body.append(meta(message));
  item.append(body);
  const rows = message.reply_markup?.inline_keyboard;
  if (rows) item.append(keyboard(message, rows, actions));
  if (message.reactions.length) item.append(make("div", "reactions", make("span", "", message.reactions.join(" "))));
  return item;
}

function meta(message) {
  const line = make("div", "meta");
  if (message.edit_date) line.append(make("span", "edited", "edited"));
  line.append(make("span", "", clock(message.date)));
  const kind = message.own ? ["tick", "Sent"] : message.silent ? ["hush", "Silent"] : ["bell", "With sound"];
  const sign = make("span", `sign ${kind[0]}`, icon(kind[0]));
  sign.setAttribute("role", "img");
  sign.setAttribute("aria-label", kind[1]);
  sign.title = kind[1];
  line.append(sign);
  return line;
}

function quote(original, actions) {
  const button = make("button", "reply", make("b", "", original.from.first_name),
    make("span", "", withSigns(wordsOf(original).split("\n")[0])));
  button.type = "button";
  button.addEventListener("click", () => actions.jump(original.message_id));
  return button;
}

function photo(message) {
  const size = message.photo[message.photo.length - 1];
  const image = make("img", "photo");
  image.src = `file/${encodeURIComponent(size.file_id)}`;
  image.width = size.width;
  image.height = size.height;
  image.alt = message.caption ? `Photo: ${message.caption.split("\n")[0]}` : "Photo";
  return image;
}

function documentRow(document_) {
  const kib = Math.max(1, Math.round(document_.file_size / 1024));
  const link = make("a", "document", icon("file"),
    make("span", "", make("b", "", document_.file_name), make("small", "", `${kib} KB`)));
  link.href = `file/${encodeURIComponent(document_.file_id)}`;
  link.download = document_.file_name;
  return link;
}

function keyboard(message, rows, actions) {
  const board = make("div", "keyboard");
  board.setAttribute("role", "group");
  board.setAttribute("aria-label", "Choices");
  for (const row of rows) board.append(make("div", "keys", ...row.map((key) => button(message, key, actions))));
  return board;
}

function button(message, key, actions) {
  const made = make("button", "key", make("span", "", withSigns(key.text)));
  made.type = "button";
  made.dataset.button = key.callback_data ?? key.text;
  if (key.style) made.dataset.style = key.style;
  if (key.url) made.append(icon("out"));
  if (key.copy_text) made.append(icon("copy"));
  made.disabled = "disabled" in key;
  made.addEventListener("click", () => {
    if (key.callback_data) actions.tap(message.message_id, key.callback_data, made);
    else if (key.copy_text) actions.copy(key.copy_text.text);
    else if (key.url) window.open(key.url, "_blank", "noopener");
  });
  return made;
}
