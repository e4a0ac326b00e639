// What the widgets' JavaScript keeps to. Run from the root of the repository: test_javascript.py does.
const browser = "document window performance matchMedia getComputedStyle requestAnimationFrame cancelAnimationFrame";
const classes = "reportError CustomEvent EventTarget MutationObserver ResizeObserver";
const both = "atob btoa structuredClone setInterval clearInterval setTimeout clearTimeout console Buffer URL";
const globals = Object.fromEntries(`${browser} ${classes} ${both}`.split(" ").map((name) => [name, "readonly"]));
const text = "Put text into text nodes (el, svg, textContent): markup made of strings can be anything.";

const markup = "innerHTML outerHTML insertAdjacentHTML write writeln srcdoc createContextualFragment";
const newer = "setHTML setHTMLUnsafe parseHTMLUnsafe parseFromString";

// Nothing that comes with data ever becomes markup or code.
const safe = {
  "no-eval": "error",
  "no-implied-eval": "error",
  "no-new-func": "error",
  "no-script-url": "error",
  "no-restricted-properties": [
    "error",
    ...`${markup} ${newer}`.split(" ").map((property) => ({ property, message: text })),
  ],
  "no-restricted-syntax": [
    "error",
    {
      selector: "CallExpression[callee.property.name='setAttribute'] > Literal.arguments[value=/^(on|srcdoc$)/i]",
      message: text,
    },
    { selector: "ImportExpression", message: "What runs stands in the module." },
  ],
};

export default [
  { files: ["slides/template/*.js"], languageOptions: { globals }, rules: safe },
  {
    files: ["genlib/widgets/**/*.js", "genlib/course/**/*.js", "tests/javascript/**/*.js"],
    languageOptions: { globals },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      ...safe,
      "max-len": ["error", { code: 120 }],
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      "no-unused-vars": "error",
      "no-undef": "error",
      "no-var": "error",
      "no-shadow": ["error", { builtinGlobals: false, hoist: "functions" }],
      "no-use-before-define": ["error", { functions: false, variables: false }],
      "one-var": ["error", "never"],
      "prefer-const": "error",
      eqeqeq: "error",
    },
  },
];
