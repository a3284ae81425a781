/** The entry for a key. A newer server may send keys that this version doesn't know: they get `other`. */
export const entryOf = <A>(entries: Readonly<Record<string, A>>, word: string, other: A): A =>
  Object.hasOwn(entries, word) ? (entries[word] ?? other) : other
