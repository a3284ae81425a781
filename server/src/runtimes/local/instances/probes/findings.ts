import type { Diagnosis } from "@maxcloud/sdk/api"
import { fixOfSource, noAnswer, notListening, wrongAnswer } from "../../../diagnosis/listening.ts"
import type { InstanceSpec } from "../Instance.ts"
import type { Launched } from "../Launched.ts"
import type { ProbeAnswer } from "./probe.ts"

/** When to check why an instance isn't ready, in milliseconds since its launch: its deadline may be minutes away. */
const looksMs: ReadonlyArray<number> = [3_000, 6_000, 12_000, 25_000, 50_000, 100_000, 200_000, 400_000]

/** The result of the last check of an instance that isn't ready. */
export const checkFinding = (
  { readiness, startup }: Pick<InstanceSpec, "readiness" | "startup">,
  { declaredPort: port, of }: Pick<Launched, "declaredPort" | "of">,
  last: ProbeAnswer | undefined,
  milliseconds: number
): Diagnosis => {
  const { path, timeoutMs = 1_000 } = startup ?? readiness ?? {}
  if (path !== undefined && last?.said === "failure") return wrongAnswer(path, port, last.status)
  if (path !== undefined && last?.said === "nothing") return noAnswer(path, port, timeoutMs)
  const evidence =
    last?.said === "refused" || last === undefined ? `port ${port}: connection refused` : `port ${port}: no answer`
  const seconds = Math.round(milliseconds / 100) / 10
  return notListening(port, seconds, [evidence], of === "image" ? {} : { fix: fixOfSource })
}

/** Checks repeatedly why an instance isn't ready, until cancelled. */
export const lookInto = (input: {
  readonly spec: InstanceSpec
  readonly launched: Pick<Launched, "declaredPort" | "explain" | "of">
  readonly lastAnswer: () => ProbeAnswer | undefined
  readonly isPending: () => boolean
}): (() => void) => {
  const { isPending, lastAnswer, launched, spec } = input
  let told = ""
  const look = async (milliseconds: number) => {
    if (!isPending()) return
    const explained = await launched.explain().catch(() => undefined)
    if (!isPending()) return
    const found = explained ?? checkFinding(spec, launched, lastAnswer(), milliseconds)
    spec.onFinding?.(found)
    if (found.code === told) return
    told = found.code
    spec.onSystem?.(`Not ready yet: ${found.message}`)
  }
  const timers = looksMs.map((after) => setTimeout(() => void look(after), after))
  return () => {
    for (const timer of timers) clearTimeout(timer)
  }
}
