/** Edits (insert, delete, replace, swap of neighbours) from `from` to `to`: the restricted Damerau-Levenshtein distance. */
export const editDistance = (from: string, to: string): number => {
  let before: Array<number> = []
  let above = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1] ? 0 : 1
      let least = Math.min((above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (above[column - 1] ?? 0) + same)
      if (from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        least = Math.min(least, (before[column - 2] ?? 0) + 1)
      }
      current.push(least)
    }
    before = above
    above = current
  }
  return above[to.length] ?? 0
}

/** The candidate that was probably meant, if one is near enough. */
export const suggest = (written: string, candidates: Iterable<string>): string | undefined => {
  let best: { readonly name: string; readonly distance: number } | undefined
  for (const name of candidates) {
    const prefix = written.length >= 3 && name.startsWith(written)
    const distance = prefix ? 0 : editDistance(written, name)
    if (best === undefined || distance < best.distance) best = { name, distance }
  }
  if (best === undefined) return undefined
  return best.distance <= Math.max(1, Math.floor(Math.max(written.length, best.name.length) / 3))
    ? best.name
    : undefined
}
