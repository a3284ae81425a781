import { randomBytes } from "node:crypto"
import { stripVTControlCharacters, styleText } from "node:util"
import { escapedJson } from "@maxcloud/config-schema/plain"
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
  /** A line of data on stdout: unchanged for a program, `printableLines` on a terminal. */
  readonly print: (line: string) => void
  /** A program's line, for `print`. With colors, it keeps its own until its end. */
  readonly programLine: (line: string) => string
  /** A value on stdout as JSON: indented, or one line in a stream. */
  readonly printJson: (value: unknown, form?: "document" | "line") => void
  /** A line for people on stderr, `printableLines`. Further lines are indented, so that none of a foreign text looks like one of ours. */
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

/**
 * A style of ours, until the text is written. Nobody else knows this number, so a color in somebody else's text is never taken for
 * one of ours. It's an operating system command (ECMA-48), which measures as no characters.
 */
const mark = randomBytes(8).toString("hex")
const opening = `\u001b]${mark};`
const closing = "\u0007"
const marked = (codes: string) => `${opening}${codes}${closing}`

// biome-ignore lint/suspicious/noControlCharactersInRegex: the codes of a style
const styles = /\u001b\[([0-9;]*)m/g

/** Replaces the marks with their styles, and changes the text between them. */
const withStyles = (text: string, change: (part: string) => string): string => {
  const [first = "", ...others] = text.split(opening)
  const styled = others.map((part) => {
    const end = part.indexOf(closing)
    return end < 0 ? change(part) : `\u001b[${part.slice(0, end)}m${change(part.slice(end + closing.length))}`
  })
  return [change(first), ...styled].join("")
}

/** The text with our own styles, and otherwise `printable`: other people's names and messages can't control the terminal, color it or reorder the text around them. */
export const printableLines = (text: string): string =>
  withStyles(text, (part) =>
    part
      .split("\n")
      .map((line) => printable(line))
      .join("\n")
  )

/** JSON with escapes instead of characters that control a terminal or reorder text: the same value. */
export const jsonText = (value: unknown, indent?: number): string =>
  escapedJson(JSON.stringify(value, null, indent), /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu)

const indented = (text: string): string => text.trimEnd().replace(/\r?\n(?=\S)/g, "\n  ")

export const makeTerminal = (json: boolean, env: Environment): Terminal => {
  const { stderr, stdin, stdout } = process
  const isCi = (env["CI"] ?? "") !== "" && env["CI"] !== "false"
  const painter = (colours: boolean) => (style: Style, text: string) =>
    colours
      ? styleText(style, "|", { validateStream: false })
          .replace(styles, (_, codes: string) => marked(codes))
          .replace("|", () => text)
      : text
  const isColoured = hasColours(stdout.isTTY === true, env)
  const reset = marked("0")
  return {
    json,
    interactive: stderr.isTTY === true && env["TERM"] !== "dumb" && !isCi,
    canAsk: stdin.isTTY === true && stderr.isTTY === true && !isCi && !json,
    print: (line) =>
      void stdout.write(`${stdout.isTTY === true ? printableLines(line) : withStyles(line, (part) => part)}\n`),
    programLine: (line) => {
      if (!isColoured) return printable(line)
      const kept = printable(line, (colour) => marked(colour.slice(2, -1)))
      return kept.includes(mark) ? `${kept}${reset}` : kept
    },
    printJson: (value, form = "document") =>
      void stdout.write(`${form === "line" ? jsonText(value) : jsonText(value, 2)}\n`),
    say: (line) => void stderr.write(`${printableLines(indented(line))}\n`),
    write: (characters) => void stderr.write(characters),
    paint: painter(isColoured),
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

/** The same for a sentence: the key expires `in 3d`, the organization is erased `now`. Rounded, as `--expires 1d` is a second less when it is shown. */
export const comes = (instant: string | null, now: number, past = "now"): string => {
  if (instant === null) return "never"
  const seconds = Math.ceil((Date.parse(instant) - now) / 1000)
  if (!Number.isFinite(seconds)) return instant
  if (seconds <= 0) return past
  const [minutes, hours, days] = [60, 3_600, 86_400].map((unit) => Math.round(seconds / unit))
  if (seconds < 60) return `in ${seconds}s`
  if (minutes !== undefined && minutes < 60) return `in ${minutes}m`
  return hours !== undefined && hours < 24 ? `in ${hours}h` : `in ${days}d`
}

/** Rows below a dim header, on stdout. */
export const printTable = (
  header: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  terminal: Terminal
): void => {
  for (const line of table([header.map((value) => terminal.paint("dim", value)), ...rows])) terminal.print(line)
}
