import { type Diagnosis, diagnosisOf } from "@maxcloud/sdk/api"
import type { ContainerProbe } from "@maxcloud/synth"
import { endDiagnosis, howItEnded, outOfMemory } from "../../diagnosis/endDiagnosis.ts"
import { wrongPort } from "../../diagnosis/listening.ts"
import { startDiagnosis } from "../../diagnosis/startDiagnosis.ts"
import type { ContainerStatus } from "../cache/objects.ts"
import type { Cause, Want } from "./Evidence.ts"
import { portsSeen, wrongAnswerSeen } from "./listenCause.ts"
import { lastLines, type PodCase, timeOf } from "./PodCase.ts"

type Terminated = NonNullable<ContainerStatus["state"]["terminated"]>

/** The last exit of the container's program. */
const lastEnd = ({ lastState, state }: ContainerStatus): Terminated | undefined =>
  state.terminated ?? lastState.terminated

/** How many times the program has exited: `restartCount` counts only exits followed by another start. */
const endsOf = ({ restartCount, state }: ContainerStatus): number =>
  state.running === undefined ? restartCount + 1 : restartCount

/** Does it fail repeatedly: is it backing off after the second exit, or has it exited twice? */
const failsRepeatedly = (container: ContainerStatus): boolean =>
  container.state.waiting?.reason === "CrashLoopBackOff" || endsOf(container) >= 2

const secondsOf = ({ finishedAt, startedAt }: Terminated): number | undefined => {
  const seconds = (timeOf(finishedAt) - timeOf(startedAt)) / 1000
  return Number.isFinite(seconds) && seconds >= 0 && seconds < 1e6 ? seconds : undefined
}

/** Did the kubelet kill it? Then it ran long enough to use up the probe's failures. */
const endedByProbe = (end: Terminated, probe: ContainerProbe): boolean =>
  (secondsOf(end) ?? 0) * 1000 >= probe.initialDelay + probe.period * (probe.failureThreshold - 1) - 1000

const failedProbe = (kind: "Startup" | "Liveness", { events }: PodCase) =>
  events.findLast((event) => event.reason === "Unhealthy" && event.message.startsWith(`${kind} probe failed`))

const diagnosisOfEnd = (end: Terminated, lines: ReadonlyArray<string>, ends: number, podCase: PodCase): Diagnosis => {
  const ended = { code: end.exitCode, signal: end.signal }
  const seen = [
    `container ${podCase.containerName} ended ${howItEnded(ended)}${end.reason === "" ? "" : `, ${end.reason}`}`,
    ...lines.slice(-5)
  ]
  if (end.reason === "OOMKilled") return outOfMemory(podCase.memoryLimit, seen)
  const notStarted = startDiagnosis(end.message)
  // A program's own "permission denied" or "no such file" may be about anything: only a failed start comes from the runtime.
  const runtimeSpeaks =
    end.reason === "StartError" ||
    end.reason === "ContainerCannotRun" ||
    end.exitCode === 126 ||
    end.exitCode === 127 ||
    notStarted?.code === "WrongPlatform"
  if (notStarted !== undefined && runtimeSpeaks)
    return { ...notStarted, evidence: [...notStarted.evidence, seen[0] ?? ""] }
  // runc's messages about what the kernel refused to run appear in the container's own output.
  const refused = lines.find((line) =>
    /^exec \S+: (exec format error|no such file or directory|permission denied)$/.test(line)
  )
  const ofStart = refused === undefined ? undefined : startDiagnosis(refused)
  if (ofStart !== undefined) return { ...ofStart, evidence: seen }
  const seconds = secondsOf(end)
  const when =
    seconds === undefined ? "" : seconds < 1 ? " within a second of its start" : ` ${seconds} s after its start`
  const times = ends < 2 ? ", once so far" : ends === 2 ? ", twice" : `, ${ends} times`
  const last = lines.at(-1)
  return endDiagnosis(ended, {
    evidence: seen,
    of: "image",
    output: lines.join("\n"),
    when: `${when}${times}`,
    said: last === undefined ? "" : `; its last line: ${last.slice(0, 200)}`
  })
}

/** Explains a container whose program exited or couldn't be started. */
export const crashCause = (podCase: PodCase): Cause | undefined => {
  const { container, pod } = podCase
  const end = container === undefined ? undefined : lastEnd(container)
  if (container === undefined || end === undefined) return undefined

  const startup = podCase.startup
  if (startup !== undefined && endedByProbe(end, startup)) {
    // A busy kubelet reports events late, so our own observation counts as well.
    const seen = failedProbe("Startup", podCase)?.message ?? wrongAnswerSeen(podCase)
    const cause = seen === undefined ? undefined : startupUsedUp(podCase, startup, seen, lastLines(end.message))
    if (cause !== undefined || seen !== undefined) return cause
  }
  const liveness = podCase.liveness
  const hung = liveness === undefined ? undefined : failedProbe("Liveness", podCase)
  if (liveness !== undefined && hung !== undefined && endedByProbe(end, liveness)) {
    return {
      diagnosis: diagnosisOf(
        "LivenessFailing",
        `the program was restarted ${container.restartCount} times because its liveness probe failed: ${answerIn(hung.message)}`,
        [hung.message]
      ),
      certain: container.restartCount >= 2,
      logTail: lastLines(end.message)
    }
  }

  // Read the log after the first exit and once the failure is certain, not each time.
  const key = `${pod.metadata.uid}/log/${failsRepeatedly(container) ? "again" : "first"}`
  const found = podCase.findings.get(key)
  const lines = found?.kind === "log" && found.lines.length > 0 ? found.lines : lastLines(end.message)
  const log: Want = {
    kind: "log",
    key,
    namespace: pod.metadata.namespace,
    pod: pod.metadata.name,
    container: container.name,
    previous: container.state.running !== undefined
  }
  return {
    diagnosis: diagnosisOfEnd(end, lines, endsOf(container), podCase),
    certain: failsRepeatedly(container),
    logTail: lines,
    wants: end.reason === "StartError" ? [] : [log]
  }
}

/** The probe's answer, from the kubelet's message. */
const answerIn = (message: string): string => {
  const status = /statuscode: (\d+)/.exec(message)?.[1]
  if (status !== undefined) return `the answer has status ${status}`
  if (/connection refused/.test(message)) return "nothing listens on the port"
  if (/deadline exceeded|timeout/i.test(message)) return "no answer in time"
  return message
}

const startupUsedUp = (
  podCase: PodCase,
  { failureThreshold, httpGet }: ContainerProbe,
  message: string,
  lines: ReadonlyArray<string>
): Cause | undefined => {
  if (/connection refused/.test(message)) {
    const { evidence, port, wrong } = portsSeen(podCase)
    // In its second run, its ports may reveal more: leave it to the next rule.
    const { restartCount = 0, state } = podCase.container ?? {}
    if (wrong === undefined && state?.running !== undefined && restartCount < 2) return undefined
    const gaveUp = `and was stopped after ${failureThreshold} checks`
    return {
      diagnosis:
        wrong === undefined
          ? diagnosisOf("NotListening", `the program didn't listen on port ${port}, ${gaveUp}`, [message, ...evidence])
          : wrongPort(wrong, port, [message, ...evidence], { suffix: `, ${gaveUp}` }),
      certain: true,
      logTail: lines
    }
  }
  return {
    diagnosis: diagnosisOf(
      "ProbeFailing",
      `the startup probe${httpGet === undefined ? "" : ` GET ${httpGet.path}`} failed ${failureThreshold} times in a row: ${answerIn(message)}`,
      [message]
    ),
    certain: true,
    logTail: lines
  }
}
