import xterm from "@xterm/headless"

const cell = { width: 8.4, height: 20 }
const edge = 18

/** The sixteen colours of a terminal on a dark background, each with a contrast of at least 4.5. */
const colours = [
  ...["#9aa4af", "#ff8a80", "#7ee2a8", "#f4d06f", "#8ab8ff", "#e0a3ff", "#6fdcd3", "#e6edf3"],
  ...["#b1bac4", "#ffb0a8", "#a6f0c4", "#ffe39c", "#b6d3ff", "#efc8ff", "#a4f0ea", "#ffffff"]
] as const
const ground = "#11171d"
const text = "#e6edf3"
const faint = "#9aa4af"

interface Run {
  readonly column: number
  readonly length: number
  readonly text: string
  readonly style: string
}

type BufferCell = NonNullable<ReturnType<NonNullable<ReturnType<xterm.IBuffer["getLine"]>>["getCell"]>>

const styleOf = (of: BufferCell): string => {
  const colour = of.isFgPalette() ? colours[of.getFgColor()] : undefined
  const fill = colour ?? (of.isDim() !== 0 ? faint : undefined)
  return `${fill === undefined ? "" : ` fill="${fill}"`}${of.isBold() !== 0 ? ' font-weight="700"' : ""}`
}

/** Runs of adjacent cells with the same style, without the blanks around them. */
const runsOf = (line: xterm.IBufferLine): ReadonlyArray<Run> => {
  const runs: Array<Run> = []
  for (let column = 0; column < line.length; column++) {
    const at = line.getCell(column)
    const chars = at?.getChars() ?? ""
    if (at === undefined || chars.trim() === "") continue
    const style = styleOf(at)
    const last = runs.at(-1)
    const gap = last === undefined ? 0 : column - last.column - last.length
    // Join words of one style that are one blank apart, so that the file has fewer elements.
    if (last !== undefined && last.style === style && gap <= 1) {
      runs[runs.length - 1] = { ...last, length: last.length + gap + 1, text: `${last.text}${" ".repeat(gap)}${chars}` }
    } else runs.push({ column, length: 1, text: chars, style })
  }
  return runs
}

const escaped = (value: string) =>
  value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

const number = (value: number) => String(Math.round(value * 10) / 10)

/** A terminal's screen after this output. */
const screenOf = async (written: string, columns: number): Promise<ReadonlyArray<xterm.IBufferLine>> => {
  const terminal = new xterm.Terminal({ cols: columns, rows: 200, allowProposedApi: true })
  await new Promise<void>((resolve) => terminal.write(written, resolve))
  const buffer = terminal.buffer.active
  const lines = Array.from({ length: buffer.length }, (_, index) => buffer.getLine(index)).filter(
    (value) => value !== undefined
  )
  const last = lines.findLastIndex((line) => line.translateToString(true).trim() !== "")
  return lines.slice(0, last + 1)
}

/**
 * A terminal as SVG. Its text stays text, so people can search it, zoom in, or use a screen reader.
 *
 * @param written The programs' output, with colours and cursor movements.
 */
export const terminalPicture = async (title: string, written: string, columns: number): Promise<string> => {
  const lines = await screenOf(written, columns)
  const longest = Math.max(64, ...lines.map((line) => line.translateToString(true).length))
  const width = longest * cell.width + 2 * edge
  const height = lines.length * cell.height + 2 * edge
  const rows = lines.flatMap((line, index) => {
    const y = number(edge + index * cell.height + 15)
    return runsOf(line).map(
      ({ column, length, style, text }) =>
        `  <text x="${number(edge + column * cell.width)}" y="${y}" textLength="${number(length * cell.width)}"${style}>${escaped(text)}</text>`
    )
  })
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${number(width)} ${number(height)}" width="${number(width)}" height="${number(height)}" role="img" aria-labelledby="title text">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="text">${escaped(lines.map((line) => line.translateToString(true)).join("\n"))}</desc>`,
    `<rect width="100%" height="100%" rx="10" fill="${ground}"/>`,
    `<g fill="${text}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" xml:space="preserve">`,
    ...rows,
    "</g>",
    "</svg>"
  ].join("\n")}\n`
}

const fixed: ReadonlyArray<readonly [RegExp, string]> = [
  [/\b(dep|svc|org|key)_[0-9a-f]{32}\b/g, "$1_0123456789abcdef0123456789abcdef"],
  [/\bsha256:[0-9a-f]{64}\b/g, `sha256:${"0123456789abcdef".repeat(4)}`],
  [/\b\d{2}:\d{2}:\d{2}(?:\.\d+)?\b/g, "12:00:00"],
  [/\b\d+\.\ds\b/g, "1.2s"],
  [/\b\d+s ago\b/g, "1s ago"],
  // Random ports of instances.
  [/\b[1-6]\d{4}\b/g, "41234"]
]

/** The text with fixed times, ids, ports and folders, so that it's the same in every run. */
export const withoutChance = (written: string, own: ReadonlyArray<readonly [string, string]>): string =>
  fixed.reduce(
    (text, [pattern, by]) => text.replace(pattern, by),
    own.reduce((text, [from, by]) => text.replaceAll(from, by), written)
  )
