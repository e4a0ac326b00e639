// What `make lab` adds to JupyterLab and Notebook 7: lines of about 80 characters, figures framed in the dark, and a
// widget's stored picture where the widget itself is gone. Plain JavaScript in the form in which they load an
// extension (a container of modules with init and get), so that nothing has to be built.

const STYLE = `
.jp-RenderedMarkdown > :is(p, ul, ol, blockquote, details, h1, h2, h3, h4, h5, h6):not(:has(mjx-container[display])) {
  max-width: 44em;
}
.jp-RenderedMarkdown > p { line-height: 1.6; }
.jp-RenderedImage img, .gl-stored img { border-radius: 6px; box-sizing: border-box; max-width: 100%; height: auto; }
[data-jp-theme-light="false"] :is(.jp-RenderedImage, .gl-stored) img {
  background: white;
  border: 6px solid white;
  filter: brightness(0.92);
}
.jp-InputArea-editor { min-width: 0; }
.jp-OutputArea-output .widget-hbox { flex-wrap: wrap; }
.jp-OutputArea-output .widget-hbox :is(.widget-html, .widget-html-content) {
  white-space: normal;
  overflow-wrap: anywhere;
  min-width: 0;
  max-width: 100%;
  height: auto;
}
.gl-stored p { margin: 4px 0; font-size: 90%; color: var(--jp-ui-font-color2); }
`;
const GONE = "Error displaying widget";

// The cells' output areas of every notebook that is open.
function* outputAreas(app) {
  for (const panel of app.shell.widgets("main")) {
    for (const cell of panel.content?.widgets ?? []) {
      if (cell.outputArea) yield cell.outputArea;
    }
  }
}

// The output whose picture stands in a node: its data and metadata, as they are stored.
function outputOf(app, node) {
  for (const area of outputAreas(app)) {
    const index = area.widgets.findIndex((widget) => widget.node.contains(node));
    if (index >= 0 && area.node.contains(node)) return area.model.get(index);
  }
  return null;
}

// In place of an error, the picture that was stored when the widget was made.
function showStored(app, node) {
  const output = outputOf(app, node);
  const picture = output?.data["image/png"];
  node.replaceChildren();
  if (!picture) return;
  const image = document.createElement("img");
  image.src = `data:image/png;base64,${picture}`;
  image.alt = output.metadata["image/png"]?.alt ?? "";
  image.style.maxWidth = "100%";
  const words = document.createElement("p");
  words.textContent = "A stored picture. Run the cells from the top, and it moves again.";
  node.classList.add("gl-stored");
  node.append(image, words);
}

function mend(app) {
  for (const node of document.querySelectorAll(".jp-OutputArea-output.jupyter-widgets")) {
    if (node.childElementCount === 0 && node.textContent.startsWith(GONE)) showStored(app, node);
  }
}

function activate(app) {
  const style = document.createElement("style");
  style.textContent = STYLE;
  document.head.append(style);
  let asked = false;
  const observer = new MutationObserver(() => {
    if (asked) return;
    asked = true;
    setTimeout(() => {
      asked = false;
      mend(app);
    }, 50);
  });
  observer.observe(document.body, { childList: true, subtree: true });
}

const plugin = { id: "genlib-course:notebooks", autoStart: true, activate };

window._JUPYTERLAB = window._JUPYTERLAB ?? {};
window._JUPYTERLAB["genlib-course"] = {
  init: () => {},
  get: () => Promise.resolve(() => ({ __esModule: true, default: plugin })),
};
