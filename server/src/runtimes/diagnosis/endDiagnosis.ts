import { type Diagnosis, diagnosisOf } from "@maxcloud/sdk/api"
import { crashRemedyOf } from "./crashRemedies.ts"
import { doubled } from "./doubled.ts"
import { foreignProgramIn } from "./foreignProgram.ts"

const signals: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  15: "SIGTERM"
}

/** The end of a program. */
export interface ProgramEnd {
  /** null: by a signal alone. */
  readonly code: number | null
  /** Its number or name. */
  readonly signal?: number | string | null | undefined
}

/** `with exit code 137 (SIGKILL)`, `by SIGKILL` */
export const howItEnded = ({ code, signal }: ProgramEnd): string => {
  const number = signal ?? (code !== null && code > 128 && code < 160 ? code - 128 : undefined)
  const name = typeof number === "number" ? (signals[number] ?? `signal ${number}`) : number
  if (code === null) return name === undefined ? "for an unknown reason" : `by ${name}`
  return name === undefined ? `with exit code ${code}` : `with exit code ${code} (${name})`
}

export const outOfMemory = (limit: string | number | undefined, evidence: ReadonlyArray<string>): Diagnosis => {
  const more = limit === undefined ? undefined : doubled(limit)
  return diagnosisOf(
    "OutOfMemory",
    limit === undefined
      ? "the program was ended since it used more memory than it may"
      : `the program was ended since it needs more than its ${limit} of memory`,
    evidence,
    more === undefined ? undefined : `Raise the limit in the config, such as \`memory: "${more}"\`, and deploy again.`
  )
}

/** Neither its program nor max-cloud ended it. `how` is a clause. */
export const endedFromOutside = (how: string): Diagnosis =>
  diagnosisOf("EndedFromOutside", `the instance was ended from outside of max-cloud: ${how}`, [how])

/**
 * A program that was started and ended by itself. `when`, such as ` within a second of its start, twice`, and `said` complete the
 * sentence; `of` is where its commands are looked for.
 */
export const endDiagnosis = (
  end: ProgramEnd,
  {
    evidence,
    of,
    output = "",
    said = "",
    when
  }: {
    readonly evidence: ReadonlyArray<string>
    readonly of: "image" | "source"
    /** The last of what it wrote, which may say what to do. */
    readonly output?: string
    readonly said?: string
    readonly when: string
  }
): Diagnosis => {
  const fix = crashRemedyOf(output)
  const foreign = end.code === 0 ? undefined : foreignProgramIn(output)
  if (foreign !== undefined) {
    return diagnosisOf(
      "WrongPlatform",
      `the program ended ${howItEnded(end)}${when}, since something that it runs is built for another kind of machine`,
      [...evidence, foreign],
      of === "image"
        ? undefined
        : "Install or compile the program for this machine: delete `node_modules` or the binary that was copied here, and deploy again."
    )
  }
  const where = of === "image" ? "is not in the image" : "was not found"
  if (end.code === 127)
    return diagnosisOf("CommandNotFound", `a command that is started ${where} (exit code 127)`, evidence, fix)
  if (end.code === 126)
    return diagnosisOf(
      "CommandNotExecutable",
      "a command that is started may not be executed (exit code 126)",
      evidence
    )
  return end.code === 0
    ? diagnosisOf("ExitedOnStart", `the program ended without an error${when}; a service has to go on`, evidence)
    : diagnosisOf("CrashOnStart", `the program ended ${howItEnded(end)}${when}${said}`, evidence, fix)
}

/** The diagnosis of a program that had been ready for long. Advice about its start doesn't apply, so we drop it. */
export const afterReady = (inner: Diagnosis): Diagnosis =>
  inner.code === "CrashOnStart" || inner.code === "ExitedOnStart"
    ? diagnosisOf("CrashAfterReady", `it was ready, and fails since: ${inner.message}`, inner.evidence)
    : inner
