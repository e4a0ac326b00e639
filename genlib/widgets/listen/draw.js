// Sounds to hear and to see: for each player its spectrogram, a stretch of its wave, a button, how far its spectrogram
// is off and how long it took. state: {names, rate, request: {choice, temperature, seed}, sounds: {player: base64 of
// float32}, heard: {player: [bands][frames]}, errors, seconds, answered, error}. Tells: a request.
import { Frame, asking, button, choice, el, floats, mix, mount, picture, put, signed, slider, svg } from "../kit.js";
import { repeated } from "./sound.js";

const WIDE = 210;
const HIGH = 76;
const STYLE = `
  max-width: 860px; display: grid; gap: 12px;
  .players { display: grid; gap: 10px 16px; align-items: center;
    grid-template-columns: 9.5em ${WIDE}px minmax(0, ${WIDE}px) 11em; }
  .players canvas { width: ${WIDE}px; height: ${HIGH}px; image-rendering: pixelated; border: 1px solid var(--gl-line); }
  .players svg { width: 100%; } .slider { min-width: 20em; } .slider input { flex: 1; }
  .name { display: grid; gap: 4px; justify-items: start; }
  .say { min-height: 3em; }
`;
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
  button(box, "▶ Play", () => play(name), { "aria-label": `play ${name}` });
  const spectrogram = el("canvas", parent, { role: "img", "aria-label": `spectrogram of ${name}` });
  const wave = picture(parent, [WIDE, HIGH], `the wave of ${name}, its middle`);
  const line = svg("path", wave, { fill: "none", stroke: "var(--gl-blue)", "stroke-width": 1.2 });
  const numbers = el("div", parent, { class: "num" });
  return { spectrogram, line, numbers };
}

function showWave(line, wave) {
  const from = Math.max(0, Math.floor((wave.length - SHOWN) / 2));
  const part = Array.from(wave.slice(from, from + SHOWN));
  const frame = new Frame({ x: [0, SHOWN], y: [-1, 1], width: WIDE, height: HIGH });
  put(line, { d: frame.path(part.map((v, t) => [t, v])) });
}

function words(say, errors, seconds) {
  say.replaceChildren();
  for (const name of Object.keys(errors).slice(1)) {
    const speed = seconds[name] < 1 ? "faster than it sounds" : "slower than it sounds";
    const text = `${name}: its loudness is off by a factor of ${Math.exp(errors[name]).toFixed(1)}, band by band; it speaks ${speed}.`;
    el("div", say, {}, text);
  }
}

function setup(root, state, { tell, theme }) {
  const speaker = loudspeaker(state.rate);
  const top = el("div", root, { class: "row" });
  const options = state.names.map((name, k) => [k, name]);
  const which = choice(top, { label: "spectrogram of", options, act: (k) => kernel.ask({ choice: Number(k) }) });
  const heat = slider(top, {
    label: "temperature",
    min: 0,
    max: 1.2,
    step: 0.05,
    show: (value) => signed(Number(value), 2),
    act: (temperature) => kernel.ask({ temperature }),
    name: "temperature",
  });
  button(top, "Draw anew", () => kernel.ask({ seed: kernel.now().seed + 1 }));
  const grid = el("div", root, { class: "players" });
  let sounds = {};
  const play = (name) => {
    speaker.play(sounds[name]);
    root.dataset.played = name;
  };
  const rows = Object.keys(state.sounds).map((name) => [name, playerRow(grid, name, play)]);
  const say = el("div", root, { class: "say" });
  const kernel = asking(root, {
    tell,
    request(now) {
      which.set(String(now.choice));
      heat.set(now.temperature);
    },
    answer(told) {
      sounds = Object.fromEntries(Object.entries(told.sounds).map(([name, text]) => [name, floats(text)]));
      const values = Object.values(told.heard).flat(2);
      const range = [Math.min(...values), Math.max(...values)];
      rows.forEach(([name, row], k) => {
        paintSpectrogram(row.spectrogram, told.heard[name], range, theme);
        showWave(row.line, sounds[name]);
        row.numbers.replaceChildren();
        if (k === 0) return;
        el("div", row.numbers, {}, `loudness × or ÷ ${Math.exp(told.errors[name]).toFixed(1)}`);
        el("div", row.numbers, {}, `${told.seconds[name]} s a second`);
      });
      words(say, told.errors, told.seconds);
    },
  });
  return { ...kernel, stop: speaker.stop };
}

const HINT =
  "Play the first sound, then what the models made of its spectrogram. Lower the temperature: what is lost, the " +
  "breath or the vowel? Draw anew: what changes that your ear does not mind?";

export function draw(element, state) {
  mount(element, state, { name: "gl-listen", title: "Listen", hint: HINT, width: 840, css: STYLE, setup });
}
