// The signs the watchman uses, drawn here: the same on every computer, also on one without an emoji font.

const drawn = (shape) => `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20">${shape}</svg>`)}`;
const dot = (colour) => drawn(`<circle cx="10" cy="10" r="7.2" fill="${colour}"/>`);

const SIGNS = new Map([
  ["🔴", dot("#db3b2f")],
  ["🟠", dot("#ef9420")],
  ["🟢", dot("#2a9d62")],
  ["✅", drawn('<rect x="2" y="2" width="16" height="16" rx="4.5" fill="#2a9d62"/>'
    + '<path d="m6 10.4 2.9 2.9 5.3-6.3" fill="none" stroke="#fff" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round"/>')],
  ["⚠", drawn('<path d="M8.6 3.1a1.6 1.6 0 0 1 2.8 0l6.7 12a1.6 1.6 0 0 1-1.4 2.4H3.3a1.6 1.6 0 0 1-1.4-2.4Z" fill="#f2a72e"/>'
    + '<path d="M10 7.3v4.6M10 14.6v.1" stroke="#4a2f05" stroke-width="2" stroke-linecap="round"/>')],
  ["⏳", drawn('<path d="M5.2 2.8h9.6M5.2 17.2h9.6M6.4 2.8v2.6c0 2.2 3.6 3 3.6 4.6s-3.6 2.4-3.6 4.6v2.6M13.6 2.8v2.6c0 2.2-3.6 3-3.6 4.6s3.6 2.4 3.6 4.6v2.6" fill="none" stroke="#b26a00" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/>'
    + '<path d="M7 16.4c.3-1.7 1.6-2.3 3-3.2 1.4.9 2.7 1.5 3 3.2ZM7.6 5.6h4.8C12 6.8 10.9 7.5 10 8.3 9.1 7.5 8 6.8 7.6 5.6Z" fill="#f6b84e"/>')],
]);

const FOUND = /(🔴|🟠|🟢|✅|⚠|⏳)\uFE0F?/gu;

/** Text as nodes: signs become pictures that copy and read out as the sign they are. */
export function withSigns(text) {
  const nodes = document.createDocumentFragment();
  let at = 0;
  for (const match of text.matchAll(FOUND)) {
    const sign = document.createElement("img");
    sign.className = "emoji";
    sign.src = SIGNS.get(match[1]);
    sign.alt = match[0];
    nodes.append(text.slice(at, match.index), sign);
    at = match.index + match[0].length;
  }
  nodes.append(text.slice(at));
  return nodes;
}
