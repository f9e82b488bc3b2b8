// Where the names of points stand, so that none covers another name or a point; a name without room is left out.

export interface Label {
  x: number;
  y: number;
  anchor: 'start' | 'end';
  words: string;
}

interface Point {
  x: number;
  y: number;
}

interface Space {
  /** Of the points. */
  radius: number;
  left: number;
  right: number;
}

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

// Wide enough for the widest usual letters at the size of small text.
const LETTER_PX = 7;
const LINE_PX = 14;
const GAP_PX = 4;
// A hostile name would be as long as it liked.
const LETTERS_MOST = 28;

const meet = (a: Box, b: Box): boolean => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

function boxOf({ x, y, anchor, words }: Label): Box {
  const width = words.length * LETTER_PX;
  const left = anchor === 'start' ? x : x - width;
  return { left, right: left + width, top: y - LINE_PX, bottom: y + GAP_PX };
}

/** The names in their order, the first having first choice; null where there was no room. */
export function placeLabels(
  named: readonly (Point & { words: string })[],
  points: readonly Point[],
  { radius, left, right }: Space,
): (Label | null)[] {
  const taken: Box[] = points.map(({ x, y }) => ({
    ...{ left: x - radius, right: x + radius, top: y - radius, bottom: y + radius },
  }));
  return named.map(({ x, y, words }) => {
    const short = words.length > LETTERS_MOST ? `${words.slice(0, LETTERS_MOST - 1)}…` : words;
    const beside = radius + GAP_PX;
    const choices: Label[] = [
      { x: x + beside, y: y - radius / 2, anchor: 'start', words: short },
      { x: x - beside, y: y - radius / 2, anchor: 'end', words: short },
      { x: x + beside / 2, y: y + radius + LINE_PX, anchor: 'start', words: short },
      { x: x - beside / 2, y: y + radius + LINE_PX, anchor: 'end', words: short },
    ];
    const found = choices.find((choice) => {
      const box = boxOf(choice);
      return box.left >= left && box.right <= right && box.top >= 0 && !taken.some((one) => meet(one, box));
    });
    if (found) taken.push(boxOf(found));
    return found ?? null;
  });
}
