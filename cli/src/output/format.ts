import type { LogEntry, Service, ServiceState } from "@maxcloud/sdk/api"
import { integerBytes, linesOf, printable } from "@maxcloud/sdk/progress"
import { entryOf } from "./entryOf.ts"
import type { Terminal } from "./terminal.ts"

export { integerBytes, linesOf, printable }

const styles = {
  pending: "yellow",
  ready: "green",
  idle: "blue",
  waking: "yellow",
  failed: "red",
  degraded: "red",
  paused: "yellow",
  restoring: "yellow",
  deleting: "dim"
} as const satisfies Record<ServiceState, string>

export const stateText = (state: Service["status"]["state"], terminal: Terminal): string =>
  terminal.paint(entryOf<(typeof styles)[ServiceState]>(styles, state, "dim"), printable(state))

export const urlText = ({ url }: Pick<Service["status"], "url">, terminal: Terminal): string =>
  url === null ? terminal.paint("dim", "(internal)") : terminal.paint("cyan", url)

/** The last time of day, with the second that it's for: lines of a busy log share it, and formatting one takes longer than a line. */
let latest = { second: "", text: "" }

/** The time of day in this machine's time zone. */
const timeOfDay = (instant: string): string => {
  const second = instant.endsWith("Z") ? instant.slice(0, 19) : instant
  if (second !== latest.second) {
    const date = new Date(instant)
    if (Number.isNaN(date.getTime())) return instant
    latest = { second, text: date.toTimeString().slice(0, 8) }
  }
  return latest.text
}

/** A log entry as a line for people. */
export const logLine = (entry: LogEntry, terminal: Terminal): string => {
  const line = `${terminal.programLine(entry.line)}${entry.truncated ? terminal.paint("dim", " … (cut)") : ""}`
  const text = entry.stream === "system" ? terminal.paint("dim", `· ${line}`) : line
  return `${terminal.paint("dim", timeOfDay(entry.at))} ${text}`
}

const serviceStyles = ["cyan", "magenta", "yellow", "green", "blue"] as const

/** The same, after the name of its service, in a color derived from the name. */
export const namedLogLine = (entry: LogEntry, width: number, terminal: Terminal): string => {
  const sum = [...entry.service].reduce((value, character) => value + (character.codePointAt(0) ?? 0), 0)
  const style = serviceStyles[sum % serviceStyles.length] ?? "cyan"
  return `${terminal.paint(style, entry.service.padEnd(width))} ${logLine(entry, terminal)}`
}
