// Captions of a template such as "a {size} {colour} {shape} at the {place}", and of words in any order.

const SLOT = /\{([^}]*)\}/;

// The template's parts: texts, and slots by name.
export const parts = (template) =>
  template.split(/(\{[^}]*\})/).filter((part) => part.trim()).map((part) => {
    const slot = SLOT.exec(part);
    return slot ? { slot: slot[1] } : { text: part.trim() };
  }); // prettier-ignore

// The caption that these choices make.
export const filled = (template, chosen) => template.replace(/\{([^}]*)\}/g, (_, slot) => chosen[slot]);

// What a caption chose in every slot, or null where it is not of this template. words: {slot: options}.
export function chosenIn(caption, template, words) {
  const read = (rest, list) => {
    if (list.length === 0) return rest === "" ? {} : null;
    const [part, ...more] = list;
    for (const option of part.slot ? words[part.slot] : [part.text]) {
      if (rest !== option && !rest.startsWith(`${option} `)) continue;
      const found = read(rest.slice(option.length).trimStart(), more);
      if (found) return part.slot ? { [part.slot]: option, ...found } : found;
    }
    return null;
  };
  return read(tidy(caption), parts(template));
}

export const tidy = (text) => text.trim().toLowerCase().split(/\s+/).join(" ");

// Which slot each word of a caption belongs to, null for those that are the template's own.
export function slotsOf(template, chosen) {
  return parts(template).flatMap((part) => {
    const text = part.slot ? chosen[part.slot] : part.text;
    return text.split(" ").map(() => part.slot ?? null);
  });
}

// All words there are, and the number of them in the longest caption.
export function vocabulary(template, words) {
  const list = parts(template);
  const options = list.map((part) => (part.slot ? words[part.slot] : [part.text]));
  const longest = options.map((texts) => Math.max(...texts.map((text) => text.split(" ").length)));
  return {
    known: new Set(options.flat().flatMap((text) => text.split(" "))),
    longest: longest.reduce((a, b) => a + b, 0),
  };
}

// What is wrong with a text as a caption, in words; "" where nothing is.
export function objection(text, { known, longest }) {
  const said = tidy(text).split(" ").filter(Boolean);
  if (said.length === 0) return "Write some words.";
  const unknown = said.find((word) => !known.has(word));
  if (unknown) return `“${unknown}” is a word that the model was never told.`;
  return said.length > longest ? `These are ${said.length} words; there is room for ${longest}.` : "";
}

// A request as the name of its answer.
export const keyOf = ({ caption, guidance, seed }) => `${caption}|${guidance}|${seed}`;
