// A page with no browser: as much of one as drawings touch, so that node can draw them. It shows nothing and has no
// size; what stands in it can be looked at.

class Context {
  constructor() {
    return new Proxy(this, { get: (own, name) => own[name] ?? Context.answer(name), set: () => true });
  }
  static answer(name) {
    if (name === "measureText") return () => ({ width: 10, actualBoundingBoxAscent: 5, actualBoundingBoxDescent: 2 });
    if (name === "createImageData" || name === "getImageData") return (w, h) => new globalThis.ImageData(w, h);
    if (/^create/.test(String(name))) return () => ({ addColorStop() {}, setTransform() {} });
    return () => undefined;
  }
}

export class Node extends EventTarget {
  constructor(tag = "#text", text = "") {
    super();
    Object.assign(this, {
      tag,
      text,
      children: [],
      attributes: new Map(),
      parentElement: null,
      dataset: {},
      value: "",
    });
    Object.assign(this, { clientWidth: 0, clientHeight: 0, isConnected: false, ownerDocument: globalThis.document });
    const set = (style, name) => (name === "setProperty" ? () => {} : (style[name] ?? ""));
    this.style = new Proxy({}, { get: set });
    const names = () => (this.attributes.get("class") ?? "").split(" ").filter(Boolean);
    const keep = (all) => this.attributes.set("class", [...all].join(" "));
    this.classList = {
      add: (...more) => keep(new Set([...names(), ...more])),
      remove: (...less) => keep(names().filter((name) => !less.includes(name))),
      contains: (name) => names().includes(name),
      toggle: (name, on) =>
        keep(
          names()
            .filter((other) => other !== name)
            .concat(on ? [name] : []),
        ),
    };
  }
  get tagName() {
    return this.tag.toUpperCase();
  }
  get childNodes() {
    return this.children;
  }
  get firstChild() {
    return this.children[0] ?? null;
  }
  get lastChild() {
    return this.children.at(-1) ?? null;
  }
  get lastElementChild() {
    return this.children.findLast((child) => child.tag !== "#text") ?? null;
  }
  get firstElementChild() {
    return this.children.find((child) => child.tag !== "#text") ?? null;
  }
  get textContent() {
    return this.text + this.children.map((child) => child.textContent).join("");
  }
  set textContent(text) {
    this.replaceChildren();
    this.text = String(text);
  }
  get innerText() {
    return this.textContent;
  }
  get className() {
    return this.attributes.get("class") ?? "";
  }
  set className(name) {
    this.attributes.set("class", String(name));
  }
  setAttribute(name, value) {
    this.attributes.set(String(name), String(value));
  }
  getAttribute(name) {
    return this.attributes.get(name) ?? null;
  }
  hasAttribute(name) {
    return this.attributes.has(name);
  }
  removeAttribute(name) {
    this.attributes.delete(name);
  }
  toggleAttribute(name, on) {
    if (on) this.attributes.set(name, "");
    else this.attributes.delete(name);
  }
  append(...parts) {
    for (const part of parts) {
      const child = part instanceof Node ? part : new Node("#text", String(part));
      child.remove();
      const all = child.tag === "#fragment" ? child.children.splice(0) : [child];
      for (const one of all) one.parentElement = this;
      this.children.push(...all);
    }
  }
  appendChild(child) {
    this.append(child);
    return child;
  }
  prepend(...parts) {
    const before = this.children.splice(0);
    this.append(...parts, ...before);
  }
  insertBefore(child) {
    this.append(child);
    return child;
  }
  before(...parts) {
    this.parentElement?.append(...parts);
  }
  after(...parts) {
    this.parentElement?.append(...parts);
  }
  replaceWith(...parts) {
    this.parentElement?.append(...parts);
    this.remove();
  }
  remove() {
    const around = this.parentElement;
    if (around) around.children.splice(around.children.indexOf(this), 1);
    this.parentElement = null;
  }
  replaceChildren(...parts) {
    for (const child of this.children.splice(0)) child.parentElement = null;
    this.text = "";
    this.append(...parts);
  }
  all() {
    return this.children.flatMap((child) => [child, ...child.all()]);
  }
  // Names of tags and classes alone; of anything else, nothing.
  querySelectorAll(selector) {
    const names = selector.split(",").map((part) => part.trim());
    return this.all().filter((node) =>
      names.some((n) => n === node.tag || node.className.split(" ").includes(n.slice(1))),
    );
  }
  querySelector(selector) {
    return this.querySelectorAll(selector)[0] ?? null;
  }
  closest() {
    return null;
  }
  contains(other) {
    return other === this || this.all().includes(other);
  }
  getRootNode() {
    return globalThis.document;
  }
  getBoundingClientRect() {
    return { left: 0, top: 0, right: 0, bottom: 0, x: 0, y: 0, width: 0, height: 0 };
  }
  getContext() {
    return (this.context ??= new Context());
  }
  toDataURL() {
    return "data:image/png;base64,";
  }
  getTotalLength() {
    return 0;
  }
  focus() {}
  blur() {}
  setPointerCapture() {}
}

class Nothing {
  observe() {}
  disconnect() {}
}

// Puts the page into node's globals; `errors` gets what widgets report.
export function open(errors) {
  const make = (tag) => new Node(tag);
  const document = Object.assign(new Node("#document"), {
    createElement: make,
    createElementNS: (_, tag) => make(tag),
    createDocumentFragment: () => make("#fragment"),
    createTextNode: (text) => new Node("#text", text),
    head: make("head"),
    body: make("body"),
    documentElement: make("html"),
  });
  const style = {
    backgroundColor: "rgb(255, 255, 255)",
    color: "rgb(0, 0, 0)",
    fontFamily: "x",
    getPropertyValue: () => "",
  };
  Object.assign(globalThis, {
    document,
    window: globalThis,
    Element: Node,
    ResizeObserver: Nothing,
    MutationObserver: Nothing,
    IntersectionObserver: Nothing,
    getComputedStyle: () => style,
    matchMedia: () => ({ matches: true, addEventListener() {}, removeEventListener() {} }),
    requestAnimationFrame: () => 0,
    cancelAnimationFrame: () => {},
    reportError: (error) => errors.push(error),
    Path2D: class {
      constructor() {
        return new Context();
      }
    },
    ImageData: class {
      constructor(data, width, height) {
        if (typeof data === "number") [width, height] = [data, width];
        this.data = data?.length ? data : new Uint8ClampedArray(4 * width * height);
        Object.assign(this, { width, height });
      }
    },
  });
  return document;
}
