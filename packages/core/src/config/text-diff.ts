/**
 * Unified diff of two texts, by longest common subsequence of lines.
 * @param context unchanged lines shown around each change
 * @returns '' when the texts are equal
 */
export function unifiedDiff(
  before: string,
  after: string,
  names: readonly [string, string],
  context = 3,
): string {
  if (before === after) return '';
  const a = before.replace(/\n$/, '').split('\n');
  const b = after.replace(/\n$/, '').split('\n');
  const rows = script(a, b);
  const shown = rows.map((_, i) =>
    rows.slice(Math.max(0, i - context), i + context + 1).some((row) => row.mark !== ' '),
  );
  const out = [`--- ${names[0]}`, `+++ ${names[1]}`];
  for (let i = 0; i < rows.length; i++) {
    if (!shown[i]) continue;
    if (i === 0 || !shown[i - 1]) out.push(`@@ -${rows[i]!.a + 1} +${rows[i]!.b + 1} @@`);
    out.push(rows[i]!.mark + rows[i]!.line);
  }
  return `${out.join('\n')}\n`;
}

interface Row {
  mark: ' ' | '-' | '+';
  line: string;
  /** Lines of either text before this row. */
  a: number;
  b: number;
}

function script(a: readonly string[], b: readonly string[]): Row[] {
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] =
        a[i] === b[j]
          ? common[(i + 1) * width + j + 1]! + 1
          : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
    }
  }
  const rows: Row[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const at = { a: i, b: j };
    if (i < a.length && j < b.length && a[i] === b[j]) {
      rows.push({ mark: ' ', line: a[i]!, ...at });
      i++;
      j++;
    } else if (
      i < a.length &&
      (j === b.length || common[(i + 1) * width + j]! >= common[i * width + j + 1]!)
    ) {
      rows.push({ mark: '-', line: a[i++]!, ...at });
    } else rows.push({ mark: '+', line: b[j++]!, ...at });
  }
  return rows;
}
