/** Text pieces of log lines, in the shapes MMEngine's users and their log parsers know. */

/** Seconds as Python's `timedelta` prints them: `0:00:40`, `1 day, 0:32:42`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.trunc(seconds));
  const days = Math.floor(whole / 86400);
  const clock = [Math.floor((whole % 86400) / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const text = `${clock[0]}:${String(clock[1]).padStart(2, '0')}:${String(clock[2]).padStart(2, '0')}`;
  return days === 0 ? text : `${days} day${days === 1 ? '' : 's'}, ${text}`;
}

/** A number as Python's `{:.4e}` prints it: two digits of exponent at least. */
export function formatScientific(value: number, digits = 4): string {
  return value.toExponential(digits).replace(/e([+-])(\d)$/, 'e$10$2');
}

/** A number with fixed decimals; `nan` and `inf` as Python prints them. */
export function formatFixed(value: number, digits: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return value.toFixed(digits);
}

/** `[e]`, right-justified so that lines of one run are aligned. */
export function epochField(epoch: number, maxEpochs: number): string {
  return `[${epoch}]`.padStart(String(maxEpochs).length + 3);
}

/** `[i/N]` with i right-justified to the digits of N. */
export function counterField(index: number, total: number): string {
  return `[${String(index).padStart(String(total).length)}/${total}]`;
}
