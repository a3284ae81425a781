import { bounds, maxSpecValues } from "@maxcloud/config-schema"
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

const [quote, comma, backslash] = [0x22, 0x2c, 0x5c]
const isOpening = (byte: number) => byte === 0x7b || byte === 0x5b
const isClosing = (byte: number) => byte === 0x7d || byte === 0x5d
const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/**
 * Checks in one pass over the bytes, before parsing, whether JSON has too many values or levels: parsing a megabyte of `{}`
 * creates 350,000 objects, and every later step takes as long. The parser reports invalid JSON.
 */
export const overJsonBudget = (json: Uint8Array, { depth, values }: JsonBudget): string | undefined => {
  let level = 0
  const members = [0]
  let count = 1
  let isText = false
  let isFirst = false
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] ?? 0
    if (isText) {
      if (byte === backslash) at++
      else if (byte === quote) isText = false
      continue
    }
    if (isSpace(byte)) continue
    if (isFirst && !isClosing(byte)) count++
    isFirst = isOpening(byte)
    if (byte === quote) isText = true
    else if (byte === comma) {
      count++
      const soFar = (members[level] ?? 0) + 1
      if (soFar >= maxMembers)
        return `It has a list or an object with more than ${maxMembers} parts. Send less at a time.`
      members[level] = soFar
    } else if (isClosing(byte)) level--
    else if (isFirst) {
      level++
      members[level] = 0
      if (level > depth) return `It has more than ${depth} levels of nested lists and objects. Flatten it.`
    }
    if (count > values) return `It has more than ${values} values. Send less at a time.`
  }
  return undefined
}
