// Before everything else: MathJax reads its settings when it loads, and widgets (modules, which run late) register here.
window.deck = { widgets: {}, printing: /print-pdf/.test(location.search), problems: [], ready: false };
document.documentElement.classList.add("laying-out");
if (window.deck.printing) document.documentElement.classList.add("printing");

window.MathJax = {
  tex: {
    inlineMath: [["$", "$"]],
    displayMath: [["$$", "$$"]],
    processEscapes: true,
    macros: { step: ["\\class{fragment}{#1}", 1] }, // a part of an equation that appears with the next key
  },
  svg: { fontCache: "local" }, // each formula holds its glyphs: it survives printing and the speaker view
  // The menu would fetch parts of MathJax when it opens. MathML beside each picture would appear as a second fragment;
  // screen readers get the TeX instead (deck.js).
  options: { enableMenu: false, menuOptions: { settings: { assistiveMml: false } }, ignoreHtmlClass: "notes" },
};
