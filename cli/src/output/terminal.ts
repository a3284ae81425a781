import { stripVTControlCharacters, styleText } from "node:util"
import { elapsed, printable } from "@maxcloud/sdk/progress"

export { elapsed }

type Style = Parameters<typeof styleText>[0]

/** The output of a command: data on stdout, everything else on stderr. */
export interface Terminal {
  readonly json: boolean
  /** stderr is a terminal, so lines can be updated in place. */
  readonly interactive: boolean
  /** stdin is a terminal too, so we can ask questions. */
  readonly canAsk: boolean
  /** A line of data on stdout: unchanged for a program, `printable` on a terminal. */
  readonly print: (line: string) => void
  /** A value on stdout as JSON: indented, or one line in a stream. */
  readonly printJson: (value: unknown, form?: "document" | "line") => void
  /** A line for people on stderr, `printable`. */
  readonly say: (line: string) => void
  /** Raw characters for stderr, to update lines in place. */
  readonly write: (characters: string) => void
  /** Styles for stdout and stderr. They return the plain text if colors are off. */
  readonly paint: (style: Style, text: string) => string
  readonly paintError: (style: Style, text: string) => string
  readonly columns: number
}

type Environment = Readonly<Record<string, string | undefined>>

/** NO_COLOR (no-color.org) takes precedence over FORCE_COLOR, and both over the stream's type. */
export const hasColours = (isTerminal: boolean, env: Environment): boolean => {
  if ((env["NO_COLOR"] ?? "") !== "") return false
  const forced = env["FORCE_COLOR"]
  if (forced !== undefined) return forced !== "0" && forced !== "false"
  return isTerminal && env["TERM"] !== "dumb"
}

/** Makes each line `printable`, so that other people's names and messages can't control the terminal or reorder the text around them. */
export const printableLines = (text: string): string => text.split("\n").map(printable).join("\n")

export const makeTerminal = (json: boolean, env: Environment): Terminal => {
  const { stderr, stdin, stdout } = process
  const isCi = (env["CI"] ?? "") !== "" && env["CI"] !== "false"
  const painter = (colours: boolean) => (style: Style, text: string) =>
    colours ? styleText(style, text, { validateStream: false }) : text
  return {
    json,
    interactive: stderr.isTTY === true && env["TERM"] !== "dumb" && !isCi,
    canAsk: stdin.isTTY === true && stderr.isTTY === true && !isCi && !json,
    print: (line) => void stdout.write(`${stdout.isTTY === true ? printableLines(line) : line}\n`),
    printJson: (value, form = "document") =>
      void stdout.write(`${form === "line" ? JSON.stringify(value) : JSON.stringify(value, null, 2)}\n`),
    say: (line) => void stderr.write(`${printableLines(line)}\n`),
    write: (characters) => void stderr.write(characters),
    paint: painter(hasColours(stdout.isTTY === true, env)),
    paintError: painter(hasColours(stderr.isTTY === true, env)),
    columns: stderr.columns ?? 80
  }
}

/** Escapes characters that break a line, or hide or reorder the text around them (Unicode: Cf, Zl, Zp). */
const shown = (cell: string) =>
  cell.replace(/[\n\r\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (each) => `\\u{${(each.codePointAt(0) ?? 0).toString(16)}}`)

/** Columns two spaces apart, as wide as their widest cell without colors. A cell can't look like another one. */
export const table = (cells: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const rows = cells.map((cell) => cell.map(shown))
  const width = (cell: string) => stripVTControlCharacters(cell).length
  const widths: Array<number> = []
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, width(cell))
    })
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - width(cell))))
      .join("  ")
      .trimEnd()
  )
}

/** The time since then, in its largest unit. */
export const age = (instant: string, now: number): string => {
  const seconds = Math.max(0, Math.floor((now - Date.parse(instant)) / 1000))
  if (!Number.isFinite(seconds)) return instant
  if (seconds < 60) return `${seconds}s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h ago`
  return `${Math.floor(seconds / 86_400)}d ago`
}

/** The time until expiry, in its largest unit; `never` if it doesn't expire. */
export const until = (instant: string | null, now: number): string => comes(instant, now, "expired")

/** The same for a sentence: the key expires `in 3d`, the organization is erased `now`. */
export const comes = (instant: string | null, now: number, past = "now"): string => {
  if (instant === null) return "never"
  const seconds = Math.floor((Date.parse(instant) - now) / 1000)
  if (!Number.isFinite(seconds)) return instant
  if (seconds <= 0) return past
  if (seconds < 60) return `in ${seconds}s`
  if (seconds < 3600) return `in ${Math.floor(seconds / 60)}m`
  return seconds < 86_400 ? `in ${Math.floor(seconds / 3600)}h` : `in ${Math.floor(seconds / 86_400)}d`
}

/** Rows below a dim header, on stdout. */
export const printTable = (
  header: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  terminal: Terminal
): void => {
  for (const line of table([header.map((value) => terminal.paint("dim", value)), ...rows])) terminal.print(line)
}
