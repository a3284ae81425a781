import type { ProbeSpec } from "../Instance.ts"
import type { Pauses } from "./pauses.ts"
import { type ProbeAnswer, probe } from "./probe.ts"
import { speechOf } from "./speech.ts"

/** The address and port at which an instance answers. */
export interface Answering {
  readonly host: string
  readonly port: number
}

// Polling should add little to a cold start: the pause grows with the time already waited, between these bounds, so it stays a
// small share of it.
const shortestPauseMs = 2
const longestPauseMs = 250
const pauseShare = 0.06
/** How long to wait for a more likely port once another one answers. */
const likelierMs = 1_000

export const check = ({ anyAnswer, path, timeoutMs }: ProbeSpec, { host, port }: Answering, settleMs: number) => {
  const target = { host, port, path, timeoutMs, settleMs }
  return probe(anyAnswer === undefined ? target : { ...target, anyAnswer })
}

/**
 * Checks until one of these hosts and ports succeeds; with several ports, until one answers HTTP. Undefined: stopped before.
 * Calls `onVain` with the result of each unsuccessful round.
 */
export const firstAnswer = async (
  given: ProbeSpec,
  hosts: ReadonlyArray<string>,
  ports: ReadonlyArray<number>,
  settleMs: number,
  pauses: Pauses,
  onVain: (said: ProbeAnswer | undefined) => void
): Promise<Answering | undefined> => {
  const since = performance.now()
  let otherAnswersSince: number | undefined
  const isToBeChosen = async ({ host, port }: Answering) => {
    if (ports.length === 1) return true
    if ((await speechOf({ host, port, timeoutMs: given.timeoutMs })).said !== "http") return false
    if (port === ports[0]) return true
    otherAnswersSince ??= performance.now()
    return performance.now() - otherAnswersSince >= likelierMs
  }

  if (given.initialDelayMs > 0) await pauses.pause(given.initialDelayMs)
  while (!pauses.stopped()) {
    let said: ProbeAnswer | undefined
    for (const port of ports)
      for (const host of hosts) {
        const answer = await check(given, { host, port }, settleMs)
        if (answer.said === "success" && (await isToBeChosen({ host, port }))) return { host, port }
        // One port without a listener means nothing if another one has a listener.
        if (said === undefined || said.said === "refused") said = answer
      }
    onVain(said)
    const waited = performance.now() - since
    await pauses.pause(Math.min(longestPauseMs, Math.max(shortestPauseMs, waited * pauseShare)))
  }
  return undefined
}
