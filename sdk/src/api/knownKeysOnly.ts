/** For what clients send: a key that is not known is refused, since a misspelt one would go unnoticed. */
export const knownKeysOnly = { parseOptions: { onExcessProperty: "error" } } as const
