import { bounds, maxSpecValues, type SpecIssue } from "@maxcloud/config-schema"
import { type OperationName, rowOf } from "@maxcloud/sdk/api"

/** Limits on the JSON of an operation. */
export interface JsonBudget {
  readonly bytes: number
  /** Strings, numbers, lists and objects, with everything inside them. Keys of objects don't count. */
  readonly values: number
  readonly depth: number
}

/** More than any valid list or object of the API. */
const maxMembers = 1_000

/** A caller without a credential only sends a name or a token. */
const open: JsonBudget = { bytes: 16 * 1024, values: 64, depth: 8 }
/** The largest of these holds 200 secrets, or the variables of a service. */
const usual: JsonBudget = { bytes: 1024 * 1024, values: 2_000, depth: 8 }
/** The spec is inside an object with a flag beside it. */
const withSpec: JsonBudget = { bytes: 1024 * 1024, values: maxSpecValues + 8, depth: bounds.depth + 1 }

export const jsonBudgetOf = (operation: OperationName): JsonBudget => {
  const { json, roles } = rowOf(operation)
  if (json === "spec") return withSpec
  return roles === "open" ? open : usual
}

const [quote, comma, backslash, brace] = [0x22, 0x2c, 0x5c, 0x7b]
const isOpening = (byte: number) => byte === brace || byte === 0x5b
const isClosing = (byte: number) => byte === 0x7d || byte === 0x5d
const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** The document, or a list or object in it. */
interface Level {
  /** The keys so far, of an object. */
  readonly keys: Set<string> | undefined
  awaitsKey: boolean
  key: string
  /** Its commas so far. */
  members: number
}

const levelOf = (opening: number | undefined): Level => {
  const isObject = opening === brace
  return { keys: isObject ? new Set() : undefined, awaitsKey: isObject, key: "", members: 0 }
}

const parseText = (text: string): unknown => JSON.parse(text)

/** The key written at these bytes; undefined if it isn't valid JSON, which the parser reports. `\u0061` is the same key as `a`. */
const keyIn = (json: Buffer, start: number, end: number, isEscaped: boolean): string | undefined => {
  const written = json.toString("utf8", start, end)
  if (!isEscaped) return written
  try {
    return String(parseText(`"${written}"`))
  } catch {
    return undefined
  }
}

const pathOf = (levels: ReadonlyArray<Level>) =>
  levels.slice(1).map(({ key, keys, members }) => (keys === undefined ? members : key))

/** Notes a key, and returns the mistake if its object already has it: parsers disagree about which of the two counts (RFC 8259, 4). */
const noteKey = (levels: ReadonlyArray<Level>, level: Level, key: string | undefined): SpecIssue | undefined => {
  level.awaitsKey = false
  if (key === undefined || level.keys === undefined) return undefined
  level.key = key
  if (level.keys.has(key)) {
    const message = `It has the key ${JSON.stringify(key.slice(0, 60))} twice in one object. Remove one of them.`
    return { path: pathOf(levels), message }
  }
  level.keys.add(key)
  return undefined
}

const tooMuch = (message: string): SpecIssue => ({ path: [], message })

/**
 * Checks in one pass over the bytes, before parsing, whether JSON has too many values or levels, or a key twice in an object: parsing
 * a megabyte of `{}` creates 350,000 objects, and every later step takes as long; and the parser silently drops the first of two equal
 * keys. The parser reports invalid JSON.
 */
export const overJsonBudget = (json: Buffer, { depth, values }: JsonBudget): SpecIssue | undefined => {
  let level = levelOf(undefined)
  const levels = [level]
  let count = 1
  let textStart: number | undefined
  let isEscaped = false
  let isFirst = false
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] ?? 0
    if (textStart !== undefined) {
      if (byte === backslash) {
        isEscaped = true
        at++
      } else if (byte === quote) {
        const twice = level.awaitsKey ? noteKey(levels, level, keyIn(json, textStart, at, isEscaped)) : undefined
        if (twice !== undefined) return twice
        textStart = undefined
      }
      continue
    }
    if (isSpace(byte)) continue
    if (isFirst && !isClosing(byte)) count++
    isFirst = isOpening(byte)
    if (byte === quote) {
      textStart = at + 1
      isEscaped = false
    } else if (byte === comma) {
      count++
      level.members++
      level.awaitsKey = level.keys !== undefined
      if (level.members >= maxMembers)
        return tooMuch(`It has a list or an object with more than ${maxMembers} parts. Send less at a time.`)
    } else if (isClosing(byte)) {
      if (levels.length > 1) levels.pop()
      level = levels.at(-1) ?? level
    } else if (isFirst) {
      level = levelOf(byte)
      levels.push(level)
      if (levels.length - 1 > depth)
        return tooMuch(`It has more than ${depth} levels of nested lists and objects. Flatten it.`)
    }
    if (count > values) return tooMuch(`It has more than ${values} values. Send less at a time.`)
  }
  return undefined
}
