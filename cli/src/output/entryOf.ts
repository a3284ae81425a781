/** The entry of a word. A newer server may answer with a word that this version doesn't know: `other` is for those. */
export const entryOf = <A>(entries: Readonly<Record<string, A>>, word: string, other: A): A =>
  Object.hasOwn(entries, word) ? (entries[word] ?? other) : other
