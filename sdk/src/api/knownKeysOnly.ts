/** For requests: refuses unknown keys, because a misspelled one would go unnoticed. */
export const knownKeysOnly = { parseOptions: { onExcessProperty: "error" } } as const
