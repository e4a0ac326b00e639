// Where a picture lies in the sheet, and numbers of several seeds.

// Column and row of a picture in the sheet, in pictures: a row a run, frame after frame.
export function sheetAt({ variant, seed, frame, picture }, { runs, shown }) {
  return [frame * shown + picture, variant * runs[0].length + seed];
}

export const meanOf = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;

// The logarithms of 1, 2 and 5 times powers of ten between two logarithms: marks of an axis.
export function decades([low, high]) {
  const found = [];
  for (let k = Math.floor(low); k <= high && found.length < 30; k++)
    for (const factor of [1, 2, 5]) found.push(k + Math.log10(factor));
  return found.filter((v) => v >= low - 1e-9 && v <= high + 1e-9);
}
