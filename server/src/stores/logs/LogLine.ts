/** A line's position among its instance's lines. No two lines of an instance have the same. */
export interface LinePosition {
  /** When it was written: RFC 3339 in UTC with nine digits of a second, 30 characters, so that texts sort like times. */
  readonly t: string
  /** The line's index among the lines of its instance with this exact time, from 0. */
  readonly n: number
}

/** One line of an instance. Its position and its instance's uid identify it, so duplicates can be detected. */
export interface LogLine extends LinePosition {
  /** Never reused: for a pod its uid. */
  readonly uid: string
  readonly instance: string
  readonly revision: string
  readonly line: string
  readonly truncated: boolean
}

export const comparePositions = (a: LinePosition, b: LinePosition): number =>
  a.t < b.t ? -1 : a.t > b.t ? 1 : a.n - b.n

/** The order of all lines of a service: by time, then instance, then place. */
export const compareLines = (a: LogLine, b: LogLine): number =>
  a.t < b.t ? -1 : a.t > b.t ? 1 : a.uid < b.uid ? -1 : a.uid > b.uid ? 1 : a.n - b.n

export const sameLine = (a: LogLine, b: LogLine): boolean => a.t === b.t && a.n === b.n && a.uid === b.uid

const written = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/

/** A time as Kubernetes writes it, without trailing zeros; undefined if it isn't one in UTC. */
export const parseTime = (text: string): string | undefined => {
  if (text.length === 30 && text.endsWith("Z") && written.test(text)) return text
  const match = written.exec(text)
  return match === null ? undefined : `${match[1]}.${(match[2] ?? "").padEnd(9, "0")}Z`
}

/** Epoch milliseconds as the time of a line. */
export const timeOf = (millis: number): string => `${new Date(millis).toISOString().slice(0, -1)}000000Z`

/** The milliseconds of a line's time, rounded down. */
export const millisOf = (t: string): number => Date.parse(`${t.slice(0, 23)}Z`)
