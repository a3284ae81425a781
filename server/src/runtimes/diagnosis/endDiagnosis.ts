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

/** How a program ended. */
export interface ProgramEnd {
  /** null: ended only by a signal. */
  readonly code: number | null
  /** The signal's number or name. */
  readonly signal?: number | string | null | undefined
}

/** A phrase such as `with exit code 137 (SIGKILL)` or `by SIGKILL`. */
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
      ? "the program was killed because it used too much memory"
      : `the program was killed because it needs more than its ${limit} of memory`,
    evidence,
    more === undefined ? undefined : `Raise the limit in the config, such as \`memory: "${more}"\`, and deploy again.`
  )
}

/** Ended by neither its program nor max-cloud. `how` is a clause. */
export const endedFromOutside = (how: string): Diagnosis =>
  diagnosisOf("EndedFromOutside", `the instance was stopped from outside max-cloud: ${how}`, [how])

/**
 * Explains a program that started and then ended on its own. `when`, such as ` within a second of its start, twice`, and `said`
 * complete the sentence; `of` says where its commands should be.
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
    /** The end of its output, which may hint at the fix. */
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
      `the program ended ${howItEnded(end)}${when} because something it runs is built for another kind of machine`,
      [...evidence, foreign],
      of === "image"
        ? undefined
        : "Install or compile the program for this machine: delete `node_modules` or the copied binary, and deploy again."
    )
  }
  const where = of === "image" ? "isn't in the image" : "was not found"
  if (end.code === 127)
    return diagnosisOf("CommandNotFound", `a command that the program runs ${where} (exit code 127)`, evidence, fix)
  if (end.code === 126)
    return diagnosisOf(
      "CommandNotExecutable",
      "a command that the program runs isn't executable (exit code 126)",
      evidence
    )
  return end.code === 0
    ? diagnosisOf(
        "ExitedOnStart",
        `the program ended without an error${when}, but a service must keep running`,
        evidence
      )
    : diagnosisOf("CrashOnStart", `the program ended ${howItEnded(end)}${when}${said}`, evidence, fix)
}

/** Explains a program that was ready for long. Advice about its start doesn't apply, so drop it. */
export const afterReady = (inner: Diagnosis): Diagnosis =>
  inner.code === "CrashOnStart" || inner.code === "ExitedOnStart"
    ? diagnosisOf("CrashAfterReady", `it was ready and now fails: ${inner.message}`, inner.evidence)
    : inner
