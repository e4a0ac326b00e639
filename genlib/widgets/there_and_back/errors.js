// Pixels as networks like them, and how far two pictures are apart.
import { clamp } from "../kit.js";

// Levels 0..top, [H][W], as numbers −1..1 in a row; and numbers −1..1 as ink 0..1.
export const asNumbers = (image, top) => Float64Array.from(image.flat(), (level) => (2 * level) / top - 1);
export const asInk = (numbers) => Array.from(numbers, (v) => (v + 1) / 2);

// The mean absolute difference.
export const apart = (a, b) => a.reduce((sum, v, i) => sum + Math.abs(v - b[i]), 0) / a.length;

// Numbers −1..1 with noise on the ink, kept within what can be shown.
export const disturbed = (numbers, noise, sigma) => numbers.map((v, i) => clamp(v + 2 * sigma * noise[i], -1, 1));
