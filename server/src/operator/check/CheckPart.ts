/** The checks, in order. */
export type CheckName = "key" | "database" | "control" | "pages" | "audit" | "sources" | "logs" | "backups"

/** Something that differs from what was written. */
export interface CheckFinding {
  /** A file, a page of one, or an organization's log. */
  readonly where: string
  readonly message: string
  /** The fix, or an alternative. */
  readonly fix: string
}

export interface CheckPart {
  readonly name: CheckName
  /** `skipped`: couldn't be checked; `note` says why. */
  readonly state: "ok" | "wrong" | "skipped"
  /** How many were checked, and of what: `pages`. */
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
