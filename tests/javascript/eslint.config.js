// What the widgets' JavaScript keeps to. Run from the root of the repository: test_javascript.py does.
const browser = "document window performance matchMedia getComputedStyle requestAnimationFrame cancelAnimationFrame";
const classes = "CustomEvent MutationObserver ResizeObserver";
const both = "atob btoa structuredClone setInterval clearInterval setTimeout clearTimeout console Buffer URL";
const text = "Put text into text nodes (el, svg, textContent): markup made of strings can be anything.";

export default [
  {
    files: ["genlib/widgets/**/*.js", "genlib/course/**/*.js", "tests/javascript/**/*.js"],
    languageOptions: {
      globals: Object.fromEntries(`${browser} ${classes} ${both}`.split(" ").map((name) => [name, "readonly"])),
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "max-len": ["error", { code: 120 }],
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      "no-unused-vars": "error",
      "no-undef": "error",
      "no-var": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-shadow": ["error", { builtinGlobals: false, hoist: "functions" }],
      "no-use-before-define": ["error", { functions: false, variables: false }],
      "one-var": ["error", "never"],
      "prefer-const": "error",
      eqeqeq: "error",
      "no-restricted-properties": [
        "error",
        ...["innerHTML", "outerHTML", "insertAdjacentHTML", "write"].map((property) => ({ property, message: text })),
      ],
    },
  },
];
