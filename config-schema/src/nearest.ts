/** The number of insertions, deletions, replacements and swaps of adjacent characters from `a` to `b` (optimal string alignment). */
export const editDistance = (a: string, b: string): number => {
  const rows: Array<Array<number>> = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    rows.push(row)
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : replaced
      row.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, replaced, swapped))
    }
  }
  return at(a.length, b.length)
}

/** The word of `known` that `written` probably means, if one is close enough. */
export const nearest = (written: string, known: ReadonlyArray<string>): string | undefined => {
  const word = written.slice(0, 40).toLowerCase()
  const [best] = known
    .map((text) => ({ word: text, far: editDistance(word, text.toLowerCase()) }))
    .filter(({ far, word: _ }) => far <= Math.max(1, Math.floor(Math.min(_.length, word.length) / 3)))
    .toSorted((a, b) => a.far - b.far)
  return best?.word ?? known.find((text) => text.length >= 3 && word.startsWith(text.toLowerCase()))
}
