import { Effect } from "effect"
import { UsageError } from "../errors/failure.ts"

export interface Variable {
  readonly name: string
  readonly value: string
}

/** What the file contains, for messages, and its maximum size. */
export interface DotenvLimits {
  readonly what: "secret" | "variable"
  readonly most: number
  readonly nameLength: number
  readonly valueLength: number
  /** Whether it may be empty. @default no */
  readonly mayBeEmpty?: boolean
}

const secretLimits: DotenvLimits = { what: "secret", most: 200, nameLength: 128, valueLength: 65_536 }

const nothing = /[ \t]*(?:#[^\n]*)?(?:\n|$)/y
const assignment = /[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*/y
/** Tools disagree about trimming such whitespace and about control characters. Only quotes make the meaning clear. */
const oddSpace = /[^\S\t\n ]|[^\P{Cc}\t\n]/u

const matchAt = (pattern: RegExp, text: string, at: number): RegExpExecArray | null => {
  pattern.lastIndex = at
  return pattern.exec(text)
}

/** A value and the position after it, or the problem with it, as a clause after the variable's name. */
type Read = { readonly value: string; readonly end: number } | { readonly wrong: string; readonly fix?: string }

/** Reads from the quote at `at` to the next one like it, across lines. */
const quotedAt = (content: string, at: number, hadCrlf: boolean): Read => {
  const quote = content[at] ?? ""
  const close = content.indexOf(quote, at + 1)
  if (close === -1) return { wrong: `has a ${quote} that isn't closed`, fix: `add the closing ${quote}` }
  const written = content.slice(at + 1, close)
  const end = close + 1
  if (hadCrlf && written.includes("\n")) {
    const fix = "save the file with LF line endings, or write \\n in double quotes"
    return { wrong: "has several lines in a file with CRLF line endings", fix }
  }
  if (quote === "'") {
    return written.endsWith("\\") ? { wrong: "has a backslash before its closing quote" } : { value: written, end }
  }
  if (/\\(?![nr])/.test(written)) return { wrong: "has a backslash in double quotes that isn't \\n or \\r" }
  if (written.includes("$")) return { wrong: "has a $ in double quotes, which some tools replace by a variable" }
  return { value: written.replaceAll("\\n", "\n").replaceAll("\\r", "\r"), end }
}

const unquotedAt = (content: string, at: number): Read => {
  const newline = content.indexOf("\n", at)
  const end = newline === -1 ? content.length : newline
  const line = content.slice(at, end)
  const comment = line.indexOf(" #")
  const written = comment === -1 ? line : line.slice(0, comment)
  if (written.includes("#") || (written === "" && comment !== -1)) return { wrong: "has a # without quotes" }
  if (written.startsWith("`")) return { wrong: "is in backticks, which only some tools read as quotes" }
  if (written.includes("$")) return { wrong: "has a $ without quotes, which some tools replace by a variable" }
  if (oddSpace.test(written)) return { wrong: "has a control character or a special space without quotes" }
  return { value: written.trimEnd(), end }
}

const valueAt = (content: string, at: number, hadCrlf: boolean): Read =>
  content[at] === '"' || content[at] === "'" ? quotedAt(content, at, hadCrlf) : unquotedAt(content, at)

/** Characters that end a line for some tools only, or that no variable can contain. */
const oddCharacter = (content: string): { readonly at: number; readonly what: string } | undefined => {
  for (const [character, what] of [
    ["\0", "a NUL byte"],
    ["\r", "a carriage return without a line feed"]
  ] as const) {
    const at = content.indexOf(character)
    if (at !== -1) return { at, what }
  }
  return undefined
}

const lineAt = (content: string, at: number) => content.slice(0, at).split("\n").length

/**
 * The variables of a dotenv file, in its order, as far as Docker Compose and the npm package `dotenv` agree (docs/secrets.md). A line that they
 * read differently or skip is an error: otherwise we might store half a secret. Errors never quote the text, which may be a secret.
 */
export const parseDotenv = (
  written: string,
  place: string,
  limits: DotenvLimits = secretLimits
): Effect.Effect<ReadonlyArray<Variable>, UsageError> =>
  Effect.gen(function* () {
    const { most, nameLength, valueLength, what } = limits
    const content = written.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n")
    const hadCrlf = written.includes("\r\n")
    const wrong = (at: number, message: string, fix: string) =>
      new UsageError({ message: `${place}:${lineAt(content, at)}: ${message}`, fix })
    const odd = oddCharacter(content)
    if (odd !== undefined) return yield* wrong(odd.at, `this line has ${odd.what}`, "remove it")
    const values = new Map<string, string>()
    for (let at = 0; at < content.length; ) {
      const skipped = matchAt(nothing, content, at)
      if (skipped !== null) {
        if (/[\u2028\u2029]/.test(skipped[0]))
          return yield* wrong(at, "this line has a Unicode line break", "remove it")
        at += skipped[0].length
        continue
      }
      const start = matchAt(assignment, content, at)
      const name = start?.[1]
      if (start === null || name === undefined || name.length > nameLength) {
        return yield* wrong(
          at,
          "this isn't NAME=value",
          `use up to ${nameLength} letters, digits and "_" for a name; put a value of several lines in quotes`
        )
      }
      if (values.has(name)) return yield* wrong(at, `${name} is set twice`, "remove one of the lines")
      const read = valueAt(content, at + start[0].length, hadCrlf)
      if ("wrong" in read) return yield* wrong(at, `${name} ${read.wrong}`, read.fix ?? singleQuotes(name, what))
      const rest = matchAt(nothing, content, read.end)
      if (rest === null || /[\u2028\u2029]/.test(rest[0])) {
        return yield* wrong(at, `${name} has text after its closing quote`, singleQuotes(name, what))
      }
      if (read.value.length > valueLength) {
        return yield* wrong(at, `${name} has ${read.value.length} characters`, `use at most ${valueLength}`)
      }
      values.set(name, read.value)
      at = read.end + rest[0].length
    }
    if (values.size === 0 && limits.mayBeEmpty !== true)
      return yield* new UsageError({ message: `${place} has no NAME=value lines` })
    if (values.size > most) {
      return yield* new UsageError({
        message: `${place} holds ${values.size} ${what}s`,
        fix: `use at most ${most}`
      })
    }
    return [...values].map(([name, value]) => ({ name, value }))
  })

const singleQuotes = (name: string, what: DotenvLimits["what"]) =>
  `put the whole value in single quotes: ${name}='…'${
    what === "secret" ? `; if it contains single quotes, use \`maxcloud secrets set ${name}\`` : ""
  }`
