// How far an edit got, as a share of the way from the picture before it to the true one: 1 is there, 0 is no
// better than leaving it alone, below 0 is worse. Errors are root mean squares.
export const covered = (error, alone) => 1 - error / alone;
