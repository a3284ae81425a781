/** The names of a call's options. */
export type OptionNames<O> = { readonly [K in keyof O]-?: true }

const shown = (value: unknown) => (typeof value === "string" ? JSON.stringify(value) : String(value))

/**
 * What is wrong with the options of a call from plain JavaScript; undefined if nothing is. Without this check, `null` would be a TypeError from
 * the inside, and a misspelt `stage` would mean production.
 */
export const optionsFault = (given: unknown, names: Readonly<Record<string, true>>): string | undefined => {
  if (given === undefined) return undefined
  const known = Object.keys(names).join(", ")
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    return `${Array.isArray(given) ? "A list" : shown(given)} isn't an object of options. Leave it out, or give an object with ${known}.`
  }
  const unknown = Object.entries(given).find(([name, value]) => value !== undefined && !Object.hasOwn(names, name))
  return unknown === undefined ? undefined : `"${unknown[0]}" isn't an option. Use ${known}.`
}
