// Lays all slides out below each other, typesets, fits what is too wide, looks for faults, and then lets reveal.js present.
(() => {
  const { deck } = window;
  const SMALLEST = { formula: 22, widget: 14, figure: 0.6 }; // pixels, share of the size it has alone: less can't be read from the last row
  const sections = [...document.querySelectorAll(".slides > section")];
  const title = (section) => section.querySelector("h1, h2")?.textContent ?? "";
  const fault = (section, what) => deck.problems.push(`slide ${sections.indexOf(section) + 1} “${title(section)}”: ${what}`);
  const percent = (share) => `${Math.round(100 * share)} %`;

  function fitFormulas() {
    for (const formula of document.querySelectorAll("mjx-container[display=true]")) {
      const room = formula.parentElement.clientWidth;
      const needed = Math.max(formula.querySelector("svg").getBoundingClientRect().width, formula.scrollWidth);
      if (needed <= room + 1) continue;
      const size = (room / needed) * parseFloat(getComputedStyle(formula).fontSize);
      formula.style.fontSize = `${size}px`;
      if (size < SMALLEST.formula) fault(formula.closest("section"), `a formula shrinks to ${size.toFixed(0)} pixels; break it`);
    }
  }

  // A widget is drawn for a notebook's page; in a slide it is as large as the place that is left.
  function startWidgets() {
    for (const live of document.querySelectorAll(".live")) {
      const { draw, state } = deck.widgets[live.id];
      const show = (value) => {
        draw(live, { ...state, value, answer: {} });
        live.style.zoom = 1;
        const room = live.parentElement;
        const fits = Math.min(room.clientWidth / live.scrollWidth, room.clientHeight / live.scrollHeight);
        live.style.zoom = Math.min(1.7, 0.99 * fits); // a little less, so that no rounding breaks a line
      };
      live.addEventListener("moved", (event) => show(event.detail)); // as in Jupyter: what was moved is drawn again
      show({});
    }
  }

  function look(section) {
    const over = Math.max(section.scrollHeight - section.clientHeight, section.scrollWidth - section.clientWidth);
    if (over > 1) fault(section, `overflows by ${over} pixels`);
    const body = section.querySelector(".body");
    const more = Math.max(body.scrollHeight - body.clientHeight, body.scrollWidth - body.clientWidth);
    if (over <= 1 && more > 4) fault(section, `its text overflows by ${more} pixels`);
    for (const picture of section.querySelectorAll("img")) {
      const share = picture.getBoundingClientRect().width / parseFloat(picture.style.width);
      const hidden = picture.getClientRects().length === 0; // the still of a widget that is live
      if (!hidden && share < SMALLEST.figure) fault(section, `its figure shrinks to ${percent(share)}; write less beside it`);
    }
    for (const widget of section.querySelectorAll(".live > div")) {
      const size = parseFloat(getComputedStyle(widget).fontSize) * parseFloat(widget.parentElement.style.zoom);
      if (size < SMALLEST.widget) fault(section, `the type of its widget shrinks to ${size.toFixed(0)} pixels`);
    }
    for (const wrong of section.querySelectorAll("[data-mjx-error], mjx-merror")) {
      fault(section, `mathematics: ${wrong.getAttribute("data-mjx-error") ?? wrong.textContent}`);
    }
  }

  const inWidget = () => document.activeElement?.closest(".live");

  async function start() {
    await MathJax.startup.promise;
    // All faces, also those that nothing shows yet: what is measured is what will be drawn.
    await Promise.all([...document.fonts].map((face) => face.load()));
    for (const { typesetRoot, math } of MathJax.startup.document.math) typesetRoot.setAttribute("aria-label", math.trim());
    fitFormulas();
    if (!deck.printing) startWidgets();
    sections.forEach(look);
    document.documentElement.classList.remove("laying-out");
    // Arrows belong to a widget while it has the focus; Escape, a click beside it or another slide gives them back.
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !inWidget()) return;
      document.activeElement.blur();
      event.stopImmediatePropagation();
    }, true);
    await Reveal.initialize({
      width: 1280,
      height: 720,
      margin: 0,
      maxScale: 4,
      center: false,
      display: "flex",
      hash: true,
      controls: false,
      progress: !deck.printing,
      slideNumber: "c/t",
      defaultTiming: 120, // without one the speaker view shows no pace; each slide has its own, in data-timing
      transition: "none",
      backgroundTransition: "none",
      pdfSeparateFragments: false,
      keyboardCondition: () => !inWidget(),
      plugins: [RevealNotes],
    });
    Reveal.on("slidechanged", () => inWidget() && document.activeElement.blur());
    deck.ready = true;
  }
  window.addEventListener("load", start);
})();
