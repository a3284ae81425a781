import { printableLines, type Terminal } from "./terminal.ts"

/** Cuts a line to the terminal's width, so that it takes one row, and resets colors at the end. */
const fit = (line: string, columns: number): string => {
  let width = 0
  let out = ""
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours take no room
  for (const part of line.split(/(\u001b\[[0-9;]*m)/)) {
    if (part.startsWith("\u001b")) {
      out += part
      continue
    }
    const rest = part.slice(0, Math.max(0, columns - 1 - width))
    width += rest.length
    out += rest
  }
  return out
}

/** Lines of a terminal that are updated in place. */
export interface Redraw {
  /** Replaces the lines drawn before. */
  readonly draw: (rows: ReadonlyArray<string>) => void
  /** Removes them, so that something else can be printed. */
  readonly clear: () => void
}

export const makeRedraw = (terminal: Terminal): Redraw => {
  let drawn = 0
  const up = () => (drawn === 0 ? "" : `\u001b[${drawn}A`)
  return {
    draw: (rows) => {
      // Fewer lines than before would leave the last ones behind.
      const below = rows.length < drawn ? "\u001b[J" : ""
      terminal.write(
        `${up()}${rows.map((row) => `\u001b[2K${fit(printableLines(row), terminal.columns)}\n`).join("")}${below}`
      )
      drawn = rows.length
    },
    clear: () => {
      if (drawn > 0) terminal.write(`${up()}\u001b[J`)
      drawn = 0
    }
  }
}
