import { parseEnv } from "node:util"
import { Effect } from "effect"
import { UsageError } from "./failure.ts"

export interface Variable {
  readonly name: string
  readonly value: string
}

const largest = 65_536
const most = 200

/** A blank line, a comment, or a variable: its value in quotes (over lines), or the rest of the line. */
const entry =
  /[ \t]*(?:#[^\n]*|(?:export[ \t]+)?([^\s=#]+)[ \t]*=[ \t]*(?:(?:"[^"]*"|'[^']*'|`[^`]*`)[ \t]*(?:#[^\n]*)?|[^\n]*))?(?:\n|$)/y

/**
 * The variables of a dotenv file, in its order. Node's own parser skips what it cannot read; here that is an error, since a secret would be
 * lost. No error quotes the text: half of a secret of several lines could be in it.
 */
export const parseDotenv = (written: string, place: string): Effect.Effect<ReadonlyArray<Variable>, UsageError> =>
  Effect.gen(function* () {
    const content = written.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n")
    const values = parseEnv(content)
    const names = new Set<string>()
    let at = 0
    let line = 1
    const wrong = (message: string, fix: string) => new UsageError({ message: `${place}:${line}: ${message}`, fix })
    while (at < content.length) {
      entry.lastIndex = at
      const match = entry.exec(content)
      if (match === null) return yield* wrong("this is no NAME=value", "put a value of several lines in quotes")
      const name = match[1]
      if (name !== undefined) {
        if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)) {
          return yield* wrong("this is no name of a secret", 'use letters, digits and "_", at most 128 characters')
        }
        if (names.has(name)) return yield* wrong(`${name} stands twice`, "leave one of them")
        const value = values[name] ?? ""
        if (value === "") return yield* wrong(`${name} is empty`, "give it a value, or leave it out")
        if (value.length > largest) {
          return yield* wrong(`${name} has ${value.length} characters`, `${largest} at most`)
        }
        names.add(name)
      }
      line += match[0].split("\n").length - 1
      at += match[0].length
    }
    if (names.size === 0) return yield* new UsageError({ message: `${place} holds no NAME=value` })
    if (names.size > most) {
      return yield* new UsageError({ message: `${place} holds ${names.size} secrets`, fix: `${most} at once` })
    }
    return [...names].map((name) => ({ name, value: values[name] ?? "" }))
  })
