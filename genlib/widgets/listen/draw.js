// Sounds to hear and to see: for each player its spectrogram, a stretch of its wave, a button, how far its spectrogram
// is off and how long it took. state: {names, rate, painters: [player], request: {choice, temperature, seed, painted:
// [bands][frames] or null}, sounds: {player: base64 of float32}, heard: {player: [bands][frames]}, errors, seconds,
// answered, error}. Where there are painters, the first spectrogram can be painted on; then there is a sound only of
// those that can say it. Tells: a request.
import {
  Frame,
  arrows,
  asking,
  button,
  choice,
  clamp,
  drag,
  el,
  floats,
  mix,
  mount,
  picture,
  put,
  signed,
  slider,
  svg,
} from "../kit.js";
import { dabbed, repeated, stroke } from "./sound.js";

const WIDE = 210;
const HIGH = 76;
const STYLE = `
  max-width: 860px; display: grid; gap: 12px;
  .players { display: grid; gap: 10px 16px; align-items: center;
    grid-template-columns: 9.5em ${WIDE}px minmax(0, ${WIDE}px) 11em; }
  .players canvas { width: ${WIDE}px; height: ${HIGH}px; image-rendering: pixelated; border: 1px solid var(--gl-line); }
  .players svg { width: 100%; } .slider { min-width: 20em; } .slider input { flex: 1; }
  .players canvas[tabindex] { cursor: crosshair; }
  .name { display: grid; gap: 4px; justify-items: start; }
  .say { min-height: 3em; }
`;
const PAPER = {
  role: "application",
  "aria-label": "spectrogram to paint on: arrow keys move, space paints",
};
const SHOWN = 480; // samples of the wave

// One place that makes sound: a new sound ends the one before.
function loudspeaker(rate) {
  let [context, source] = [null, null];
  const stop = () => {
    source?.stop();
    source = null;
  };
  const play = (wave) => {
    stop();
    context ??= new window.AudioContext();
    const whole = repeated(wave, 3, Math.round(0.12 * rate));
    const buffer = context.createBuffer(1, whole.length, rate);
    buffer.copyToChannel(whole, 0);
    source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(context.destination);
    source.start();
  };
  return { play, stop };
}

// Loudness as ink: frames to the right, bands upwards, from the quietest to the loudest value of all players.
function paintSpectrogram(node, bands, [least, most], theme) {
  put(node, { width: bands[0].length, height: bands.length });
  const context = node.getContext("2d");
  bands.forEach((band, b) =>
    band.forEach((value, t) => {
      context.fillStyle = mix(theme.paper, theme.ink, Math.min(1, Math.max(0, (value - least) / (most - least))));
      context.fillRect(t, bands.length - 1 - b, 1, 1);
    }),
  );
}

function playerRow(parent, name, play) {
  const box = el("div", parent, { class: "name" });
  el("b", box, {}, name);
  const listen = button(box, "▶ Play", () => play(name), { "aria-label": `play ${name}` });
  const spectrogram = el("canvas", parent, { role: "img", "aria-label": `spectrogram of ${name}` });
  const wave = picture(parent, [WIDE, HIGH], `the wave of ${name}, its middle`);
  const line = svg("path", wave, { fill: "none", stroke: "var(--gl-blue)", "stroke-width": 1.2 });
  const numbers = el("div", parent, { class: "num" });
  return { listen, spectrogram, line, numbers };
}

// A spectrogram to paint on, as loud as brush() says, 0..1 of the range: by hand or, with the arrows and space, cell by
// cell. done(bands) is told at the end of a stroke. Returns what shows other bands.
function sheet(node, brush, theme, done) {
  let [bands, range, cursor, held] = [[[0]], [0, 1], [0, 0], false];
  const paint = () => {
    paintSpectrogram(node, bands, range, theme);
    if (node.getRootNode().activeElement !== node) return;
    const context = node.getContext("2d");
    context.fillStyle = theme.orange;
    context.fillRect(cursor[0], bands.length - 1 - cursor[1], 1, 1);
  };
  const within = ([t, b]) => [clamp(t, 0, bands[0].length - 1), clamp(b, 0, bands.length - 1)];
  const dab = (places, reach) => {
    const value = range[0] + brush() * (range[1] - range[0]);
    for (const place of places) bands = dabbed(bands, place, reach, value);
    paint();
  };
  const place = (event) => {
    const box = node.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (box.bottom - event.clientY) / box.height];
    return within([Math.floor(x * bands[0].length), Math.floor(y * bands.length)]);
  };
  const down = (event) => {
    held = true;
    cursor = place(event);
    dab([cursor], 1);
  };
  const move = (event) => {
    const last = cursor;
    cursor = place(event);
    dab(stroke(last, cursor), 1);
  };
  const up = () => {
    held = false;
    done(bands);
  };
  drag(node, { down, move, up });
  const press = () => {
    dab([cursor], 0);
    done(bands);
  };
  const step = (dx, dy) => {
    cursor = within([cursor[0] + dx, cursor[1] + dy]);
    paint();
  };
  arrows(node, step, { " ": press, Enter: press });
  for (const name of ["focus", "blur"]) node.addEventListener(name, paint);
  return (given, over) => {
    if (held) return; // the answer to an earlier stroke
    [bands, range] = [given, over];
    cursor = within(cursor);
    paint();
  };
}

function showWave(line, wave) {
  const from = Math.max(0, Math.floor((wave.length - SHOWN) / 2));
  const part = Array.from(wave.slice(from, from + SHOWN));
  const frame = new Frame({ x: [0, SHOWN], y: [-1, 1], width: WIDE, height: HIGH });
  put(line, { d: frame.path(part.map((v, t) => [t, v])) });
}

function showNumbers(node, name, { sounds, errors, seconds }, first) {
  node.replaceChildren();
  if (first && !(name in sounds)) el("div", node, {}, "painted: nobody knows its sound");
  if (first) return;
  if (!(name in sounds)) return el("div", node, {}, "says only what was asked before");
  el("div", node, {}, `loudness × or ÷ ${Math.exp(errors[name]).toFixed(1)}`);
  el("div", node, {}, `${seconds[name]} s a second`);
}

function words(say, errors, seconds) {
  say.replaceChildren();
  for (const name of Object.keys(errors).slice(1)) {
    const speed = seconds[name] < 1 ? "faster than it sounds" : "slower than it sounds";
    const off = Math.exp(errors[name]).toFixed(1);
    el("div", say, {}, `${name}: its loudness is off by a factor of ${off}, band by band; it speaks ${speed}.`);
  }
}

// What is asked: a vowel, a temperature, other noise and, where it can be painted, the brush.
function controls(root, state, ask, anew) {
  const top = el("div", root, { class: "row" });
  const options = state.names.map((name, k) => [k, name]);
  const act = (k) => ask({ choice: Number(k), painted: null });
  const which = choice(top, { label: "spectrogram of", options, act });
  const show = (value) => signed(Number(value), 2);
  const heat = { label: "temperature", min: 0, max: 1.2, step: 0.05, show, name: "temperature" };
  const temperature = slider(top, { ...heat, act: (value) => ask({ temperature: value }) });
  button(top, "Draw anew", anew);
  if (!state.painters.length) return { which, temperature };
  const row = el("div", root, { class: "row" });
  const brush = slider(row, {
    label: "brush: quiet to loud",
    min: 0,
    max: 1,
    step: 0.05,
    act: () => {},
    name: "brush",
  });
  brush.set(1);
  const back = button(row, "Undo the painting", () => ask({ painted: null }));
  return { which, temperature, brush: () => Number(brush.node.value), back };
}

function setup(root, state, { tell, theme }) {
  const speaker = loudspeaker(state.rate);
  const ask = (change) => kernel.ask(change);
  const asked = controls(root, state, ask, () => ask({ seed: kernel.now().seed + 1 }));
  const grid = el("div", root, { class: "players" });
  let sounds = {};
  const play = (name) => {
    speaker.play(sounds[name]);
    root.dataset.played = name;
  };
  const rows = state.players.map((name) => [name, playerRow(grid, name, play)]);
  const first = rows[0][1].spectrogram;
  const paper = asked.brush && sheet(first, asked.brush, theme, (painted) => ask({ painted }));
  if (paper) put(first, PAPER);
  const say = el("div", root, { class: "say" });
  const kernel = asking(root, {
    tell,
    request(now) {
      asked.which.set(String(now.choice));
      asked.temperature.set(now.temperature);
      if (asked.back) asked.back.disabled = !now.painted;
    },
    answer(told) {
      sounds = Object.fromEntries(Object.entries(told.sounds).map(([name, text]) => [name, floats(text)]));
      const values = Object.values(told.heard).flat(2);
      const range = [Math.min(...values), Math.max(...values)];
      rows.forEach(([name, row], k) => {
        row.listen.disabled = !(name in sounds);
        showWave(row.line, sounds[name] ?? []);
        if (k === 0 && paper) paper(told.heard[name], range);
        else paintSpectrogram(row.spectrogram, told.heard[name] ?? [[range[0]]], range, theme);
        showNumbers(row.numbers, name, told, k === 0);
      });
      words(say, told.errors, told.seconds);
    },
  });
  return { ...kernel, stop: speaker.stop };
}

const HINT =
  "Play the first sound, then what the models made of its spectrogram. Lower the temperature: what is lost, the " +
  "breath or the vowel? Draw anew: what changes that your ear does not mind?";
const HINT_PAINTED =
  HINT + " Then paint on the first spectrogram (time goes to the right, pitch upwards), and hear what becomes of it.";

export function draw(element, state) {
  mount(element, state, {
    name: "gl-listen",
    title: "Listen",
    hint: ({ painters }) => (painters.length ? HINT_PAINTED : HINT),
    width: 840,
    css: STYLE,
    setup,
  });
}
