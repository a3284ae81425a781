import type { LogEntry, Service, ServiceState } from "@maxcloud/sdk/api"
import { entryOf } from "./entryOf.ts"
import type { Terminal } from "./terminal.ts"

export const integerBytes = (bytes: number): string => {
  if (bytes < 1024) return `${bytes} B`
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`
  if (bytes < 1024 ** 3) return `${(bytes / 1024 ** 2).toFixed(1)} MiB`
  return `${Math.round((bytes / 1024 ** 3) * 100) / 100} GiB`
}

const styles = {
  pending: "yellow",
  ready: "green",
  idle: "blue",
  waking: "yellow",
  failed: "red",
  degraded: "red",
  paused: "yellow",
  deleting: "dim"
} as const satisfies Record<ServiceState, string>

export const stateText = (state: Service["status"]["state"], terminal: Terminal): string =>
  terminal.paint(entryOf<(typeof styles)[ServiceState]>(styles, state, "dim"), printable(state))

export const urlText = ({ url }: Pick<Service["status"], "url">, terminal: Terminal): string =>
  url === null ? terminal.paint("dim", "(internal)") : terminal.paint("cyan", url)

/**
 * A line that a service wrote, fit for a terminal: its colours stay (where colours are wanted), other control characters, which
 * could move the cursor or set the title, do not, nor do those that turn the direction of the text around them (Unicode: Bidi_Control).
 */
export const printable = (line: string): string =>
  line.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    /(\u001b\[[0-9;]*m)|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b\[[0-?]*[ -/]*[@-~]|[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (_, colour: string | undefined) => colour ?? ""
  )

/** The lines of somebody else's text, each `printable`. Lines after the first are indented, so that none looks like somebody else's. */
export const linesOf = (text: string, indent = "    "): ReadonlyArray<string> => {
  const [first = "", ...rest] = text.trimEnd().split(/\r?\n/)
  return [printable(first), ...rest.map((value) => `${indent}${printable(value)}`)]
}

/** Time of day in this machine's zone. */
const timeOfDay = (instant: string): string => {
  const date = new Date(instant)
  return Number.isNaN(date.getTime()) ? instant : date.toTimeString().slice(0, 8)
}

/** A log entry as a line for people. */
export const logLine = (entry: LogEntry, terminal: Terminal): string => {
  const line = `${printable(entry.line)}${entry.truncated ? terminal.paint("dim", " … (cut)") : ""}`
  const text = entry.stream === "system" ? terminal.paint("dim", `· ${line}`) : line
  return `${terminal.paint("dim", timeOfDay(entry.at))} ${text}`
}

const serviceStyles = ["cyan", "magenta", "yellow", "green", "blue"] as const

/** The same behind the name of its service, in a colour that the name chooses. */
export const namedLogLine = (entry: LogEntry, width: number, terminal: Terminal): string => {
  const sum = [...entry.service].reduce((value, character) => value + (character.codePointAt(0) ?? 0), 0)
  const style = serviceStyles[sum % serviceStyles.length] ?? "cyan"
  return `${terminal.paint(style, entry.service.padEnd(width))} ${logLine(entry, terminal)}`
}
