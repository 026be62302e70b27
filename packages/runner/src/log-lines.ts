/** Text pieces of log lines, in the shapes MMEngine's users and their log parsers know: as Python formats them. */

/** Seconds as Python's `timedelta` prints them: `0:00:40`, `1 day, 0:32:42`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.trunc(seconds));
  const days = Math.floor(whole / 86400);
  const clock = [Math.floor((whole % 86400) / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const text = `${clock[0]}:${String(clock[1]).padStart(2, '0')}:${String(clock[2]).padStart(2, '0')}`;
  return days === 0 ? text : `${days} day${days === 1 ? '' : 's'}, ${text}`;
}

/** `nan`, `inf` and `-inf`; undefined for a number that has digits. */
function notFinite(value: number): string | undefined {
  if (Number.isNaN(value)) return 'nan';
  return Number.isFinite(value) ? undefined : value > 0 ? 'inf' : '-inf';
}

/**
 * Decimal digits rounded to `keep` of them, given more of them than the number has (`exact`, without a point).
 * JavaScript rounds a tie away from zero, Python to the even digit; only a tie differs.
 */
function isTieToEven(exact: string, keep: number): boolean {
  return (
    exact[keep] === '5' && /^0*$/.test(exact.slice(keep + 1)) && Number(exact[keep - 1] ?? '0') % 2 === 0
  );
}

/** A number as Python's `{:.4e}` prints it: two digits of exponent at least, ties to even. */
export function formatScientific(value: number, digits = 4): string {
  const special = notFinite(value);
  if (special !== undefined) return special;
  let text = value.toExponential(digits);
  // A number with so few decimal digits that it can be a tie has few binary ones too; the others need no second look.
  if (!Number.isInteger(value * 2 ** 40)) return twoDigitExponent(text);
  const exact = Math.abs(value).toExponential(Math.min(100, digits + 60));
  const mantissa = exact.slice(0, exact.indexOf('e')).replace('.', '');
  if (isTieToEven(mantissa, digits + 1)) {
    const kept = mantissa.slice(0, digits + 1);
    text = `${value < 0 ? '-' : ''}${kept[0]}${digits > 0 ? `.${kept.slice(1)}` : ''}${exact.slice(exact.indexOf('e'))}`;
  }
  if (Object.is(value, -0)) text = `-${text}`;
  return twoDigitExponent(text);
}

function twoDigitExponent(text: string): string {
  const at = text.length - 2;
  const sign = text.charCodeAt(at);
  // `e-2`: a sign before the last character means that there is one digit only.
  return sign === 43 || sign === 45 ? `${text.slice(0, at + 1)}0${text.slice(at + 1)}` : text;
}

/** A number with fixed decimals as Python's `{:.4f}` prints it: ties to even, every digit of large numbers. */
export function formatFixed(value: number, digits: number): string {
  const special = notFinite(value);
  if (special !== undefined) return special;
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const size = Math.abs(value);
  // From here on doubles are whole numbers, which toFixed no longer writes out.
  if (size >= 1e21) return `${sign}${BigInt(size)}${digits > 0 ? `.${'0'.repeat(digits)}` : ''}`;
  const doubled = size * 10 ** digits * 2;
  if (Number.isInteger(doubled) && doubled % 2 === 1) {
    const exact = size.toFixed(Math.min(100, digits + 60));
    const point = exact.indexOf('.');
    const all = exact.replace('.', '');
    if (isTieToEven(all, point + digits)) {
      const kept = all.slice(0, point + digits);
      return `${sign}${kept.slice(0, point)}${digits > 0 ? `.${kept.slice(point)}` : ''}`;
    }
  }
  return `${sign}${size.toFixed(digits)}`;
}

/** `[e]`, right-justified so that lines of one run are aligned. */
export function epochField(epoch: number, maxEpochs: number): string {
  return `[${epoch}]`.padStart(String(maxEpochs).length + 3);
}

/** `[i/N]` with i right-justified to the digits of N. */
export function counterField(index: number, total: number): string {
  return `[${String(index).padStart(String(total).length)}/${total}]`;
}
