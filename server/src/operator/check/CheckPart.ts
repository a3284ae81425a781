/** The checks, in their order. */
export type CheckName = "key" | "database" | "control" | "pages" | "audit" | "sources" | "logs" | "backups"

/** Something that isn't as it was written. */
export interface CheckFinding {
  /** A file, a page of one, or the log of an organization. */
  readonly where: string
  readonly message: string
  /** The fix, or an alternative. */
  readonly fix: string
}

export interface CheckPart {
  readonly name: CheckName
  /** `skipped`: it couldn't be looked at, as `note` says. */
  readonly state: "ok" | "wrong" | "skipped"
  /** How many were looked at, and of what: `pages`. */
  readonly checked: number
  readonly unit: string
  /** The first hundred. */
  readonly findings: ReadonlyArray<CheckFinding>
  /** How many there are in all. */
  readonly wrong: number
  readonly note?: string
}

const most = 100

export const partOf = (
  name: CheckName,
  unit: string,
  checked: number,
  findings: ReadonlyArray<CheckFinding>,
  note?: string
): CheckPart => ({
  name,
  state: findings.length > 0 ? "wrong" : "ok",
  checked,
  unit,
  findings: findings.slice(0, most),
  wrong: findings.length,
  ...(note === undefined ? {} : { note })
})

export const skipped = (name: CheckName, unit: string, note: string): CheckPart => ({
  ...partOf(name, unit, 0, [], note),
  state: "skipped"
})
