function two(n: number): string {
  return n < 10 ? `0${n}` : String(n);
}

/** Local time as `YYYYmmdd_HHMMSS`: the name of a run's directory and log file. */
export function timestamp(date: Date = new Date()): string {
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  return `${day}_${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
}

/** Local time as the two parts of a log line: year, and `MM/DD HH:MM:SS`. */
export interface LineTime {
  year: string;
  rest: string;
}

let cachedSecond = -1;
let cached: LineTime = { year: '', rest: '' };

/** Formats the time of a log line; lines of the same second share the text, since `Date` getters dominate the cost. */
export function lineTime(now: number): LineTime {
  const second = Math.floor(now / 1000);
  if (second !== cachedSecond) {
    const date = new Date(now);
    cachedSecond = second;
    cached = {
      year: String(date.getFullYear()),
      rest:
        `${two(date.getMonth() + 1)}/${two(date.getDate())} ` +
        `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`,
    };
  }
  return cached;
}
