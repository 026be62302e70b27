/**
 * Damerau–Levenshtein distance (optimal string alignment) between two strings, case-insensitive.
 * @returns the number of single-character edits and adjacent swaps
 */
export function editDistance(a: string, b: string): number {
  const s = a.toLowerCase();
  const t = b.toLowerCase();
  let previous: number[] = [];
  let current = Array.from({ length: t.length + 1 }, (_, j) => j);
  for (let i = 1; i <= s.length; i++) {
    const next = [i];
    for (let j = 1; j <= t.length; j++) {
      const cost = s[i - 1] === t[j - 1] ? 0 : 1;
      let best = Math.min(current[j]! + 1, next[j - 1]! + 1, current[j - 1]! + cost);
      if (i > 1 && j > 1 && s[i - 1] === t[j - 2] && s[i - 2] === t[j - 1]) {
        best = Math.min(best, previous[j - 2]! + 1);
      }
      next.push(best);
    }
    previous = current;
    current = next;
  }
  return current[t.length]!;
}

/**
 * The candidate nearest to `name`, or undefined when none is near enough to be a likely typo
 * (two edits; one for names of three characters or fewer).
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const limit = name.length <= 3 ? 1 : 2;
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** At most `limit` names for an error message: `A, B, C, … (12 in all)`. */
export function listNames(names: Iterable<string>, limit = 8): string {
  const all = [...names];
  if (all.length === 0) return '(none)';
  const shown = all.slice(0, limit).join(', ');
  return all.length > limit ? `${shown}, … (${all.length} in all)` : shown;
}
