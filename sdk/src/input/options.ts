import { nearest } from "@maxcloud/config-schema"

const kinds = {
  text: { words: "a text", holds: (value: unknown) => typeof value === "string" },
  flag: { words: "true or false", holds: (value: unknown) => typeof value === "boolean" },
  number: { words: "a number", holds: (value: unknown) => typeof value === "number" },
  function: { words: "a function", holds: (value: unknown) => typeof value === "function" },
  signal: { words: "an AbortSignal", holds: (value: unknown) => value instanceof AbortSignal },
  /** Checked where it is used. */
  any: { words: "anything", holds: () => true }
} as const
type Kind = keyof typeof kinds

type KindOf<T> = [T] extends [string]
  ? "text"
  : [T] extends [boolean]
    ? "flag"
    : [T] extends [number]
      ? "number"
      : [T] extends [AbortSignal]
        ? "signal"
        : [T] extends [(...given: never) => unknown]
          ? "function"
          : "any"

/** The names and types of a call's options. */
export type OptionKinds<O> = { readonly [K in keyof O]-?: KindOf<Exclude<O[K], undefined>> }

const shown = (value: unknown) => (typeof value === "string" ? JSON.stringify(value) : String(value))

/** Whether it is an object of options. A list, a Date or a Map isn't. */
export const isOptions = (given: unknown): given is object =>
  typeof given === "object" && Object.prototype.toString.call(given) === "[object Object]"

/** Code that reads an option would find the inherited one, but code that copies or sends the options wouldn't. */
export const inheritedFault = (given: object): string | undefined => {
  for (const name in given) {
    if (!Object.hasOwn(given, name) && !(name in Object.prototype)) {
      return `"${name}" is inherited from the prototype of the options. Make it an own property, for example with { ...options }.`
    }
  }
  return undefined
}

/**
 * The problem with the options of a call from plain JavaScript; undefined if they are valid. Without this check, `null` would be an internal
 * TypeError, and a misspelled `stage` would mean production.
 */
export const optionsFault = (given: unknown, options: Readonly<Record<string, Kind>>): string | undefined => {
  if (given === undefined) return undefined
  const known = Object.keys(options).join(", ")
  if (!isOptions(given)) {
    return `${Array.isArray(given) ? "A list" : shown(given)} isn't an object of options. Leave it out, or pass an object with ${known}.`
  }
  for (const [name, value] of Object.entries(given)) {
    const kind = Object.hasOwn(options, name) ? options[name] : undefined
    if (value === undefined) continue
    if (kind === undefined) {
      const meant = nearest(name, Object.keys(options))
      return `"${name}" isn't an option. ${meant === undefined ? "" : `Did you mean "${meant}"? `}Use ${known}.`
    }
    if (!kinds[kind].holds(value)) return `"${name}" isn't ${kinds[kind].words}. Leave it out, or correct it.`
  }
  return inheritedFault(given)
}
