import { type Diagnosis, diagnosisOf } from "@maxcloud/sdk/api"
import type { ContainerStatus } from "../cache/objects.ts"
import { doubled } from "./doubled.ts"
import type { Cause, Want } from "./Evidence.ts"
import { fixOfPort, portsSeen, wrongAnswerSeen } from "./listenCause.ts"
import { type CheckedProbe, lastLines, type PodCase, timeOf } from "./PodCase.ts"
import { startDiagnosis } from "./startCause.ts"

type Terminated = NonNullable<ContainerStatus["state"]["terminated"]>

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

/** How the container's program ended last. */
export const lastEnd = ({ lastState, state }: ContainerStatus): Terminated | undefined =>
  state.terminated ?? lastState.terminated

/** How often it has ended: `restartCount` counts those that were followed by another start. */
const endsOf = ({ restartCount, state }: ContainerStatus): number =>
  state.running === undefined ? restartCount + 1 : restartCount

/** Does it fail again and again: is it waiting to be started after the second end, or has it ended twice? */
const failsRepeatedly = (container: ContainerStatus): boolean =>
  container.state.waiting?.reason === "CrashLoopBackOff" || endsOf(container) >= 2

const howItEnded = ({ exitCode, signal }: Terminated): string => {
  const number = signal ?? (exitCode > 128 && exitCode < 160 ? exitCode - 128 : undefined)
  const name = number === undefined ? undefined : (signals[number] ?? `signal ${number}`)
  return name === undefined ? `with exit code ${exitCode}` : `with exit code ${exitCode} (${name})`
}

const secondsOf = ({ finishedAt, startedAt }: Terminated): number | undefined => {
  const seconds = (timeOf(finishedAt) - timeOf(startedAt)) / 1000
  return Number.isFinite(seconds) && seconds >= 0 && seconds < 1e6 ? seconds : undefined
}

/** Did it run so long that the probe's failures were used up: was it the kubelet that ended it? */
const endedByProbe = (end: Terminated, probe: CheckedProbe): boolean =>
  (secondsOf(end) ?? 0) >= probe.initialDelaySeconds + probe.periodSeconds * (probe.failureThreshold - 1) - 1

const failedProbe = (kind: "Startup" | "Liveness", { events }: PodCase) =>
  events.findLast((_) => _.reason === "Unhealthy" && _.message.startsWith(`${kind} probe failed`))

const diagnosisOfEnd = (end: Terminated, lines: ReadonlyArray<string>, ends: number, podCase: PodCase): Diagnosis => {
  const seen = [
    `container ${podCase.containerName} ended ${howItEnded(end)}${end.reason === "" ? "" : `, ${end.reason}`}`,
    ...lines.slice(-5)
  ]
  if (end.reason === "OOMKilled") {
    const limit = podCase.memoryLimit
    const more = limit === undefined ? undefined : doubled(limit)
    return diagnosisOf(
      "OutOfMemory",
      limit === undefined
        ? "the program was ended since it used more memory than it may"
        : `the program was ended since it needs more than its ${limit} of memory`,
      seen,
      more === undefined ? undefined : `Raise the limit in the config, such as \`memory: "${more}"\`, and deploy again.`
    )
  }
  const notStarted = startDiagnosis(end.message)
  // A program may say "permission denied" or "no such file" of its own affairs: only of its start it is the runtime that speaks.
  const runtimeSpeaks =
    end.reason === "StartError" ||
    end.reason === "ContainerCannotRun" ||
    end.exitCode === 126 ||
    end.exitCode === 127 ||
    notStarted?.code === "WrongPlatform"
  if (notStarted !== undefined && runtimeSpeaks)
    return { ...notStarted, evidence: [...notStarted.evidence, seen[0] ?? ""] }
  if (lines.some((_) => /^exec \S+: exec format error/.test(_))) {
    return diagnosisOf("WrongPlatform", "the program is built for another processor than the cluster's", seen)
  }
  if (end.exitCode === 127)
    return diagnosisOf("CommandNotFound", "a command that is started is not in the image (exit code 127)", seen)
  if (end.exitCode === 126) {
    return diagnosisOf("CommandNotExecutable", "a command that is started may not be executed (exit code 126)", seen)
  }
  const seconds = secondsOf(end)
  const when =
    seconds === undefined ? "" : seconds < 1 ? " within a second of its start" : ` ${seconds} s after its start`
  const times = ends < 2 ? ", once so far" : ends === 2 ? ", twice" : `, ${ends} times`
  if (end.exitCode === 0) {
    return diagnosisOf(
      "ExitedOnStart",
      `the program ended without an error${when}${times}; a service has to go on`,
      seen
    )
  }
  const last = lines.at(-1)
  const said = last === undefined ? "" : `; its last line: ${last.slice(0, 200)}`
  return diagnosisOf("CrashOnStart", `the program ended ${howItEnded(end)}${when}${times}${said}`, seen)
}

/** A container whose program ended, or could not be started. */
export const crashCause = (podCase: PodCase): Cause | undefined => {
  const { container, pod } = podCase
  const end = container === undefined ? undefined : lastEnd(container)
  if (container === undefined || end === undefined) return undefined

  const startup = podCase.startup
  if (startup !== undefined && endedByProbe(end, startup)) {
    // Events are told late by a busy kubelet: what was seen by ourselves does as well.
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
        `the program was restarted ${container.restartCount} times since its liveness probe failed: ${answerIn(hung.message)}`,
        [hung.message]
      ),
      terminal: container.restartCount >= 2,
      logTail: lastLines(end.message)
    }
  }

  // After the first end and once it is sure: not at each.
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
    terminal: failsRepeatedly(container),
    logTail: lines,
    wants: end.reason === "StartError" ? [] : [log]
  }
}

/** What the kubelet says that a probe was answered. */
export const answerIn = (message: string): string => {
  const status = /statuscode: (\d+)/.exec(message)?.[1]
  if (status !== undefined) return `it is answered with status ${status}`
  if (/connection refused/.test(message)) return "nothing listens on the port"
  if (/deadline exceeded|timeout/i.test(message)) return "it is not answered in time"
  return message
}

const startupUsedUp = (
  podCase: PodCase,
  { failureThreshold, httpGet }: CheckedProbe,
  message: string,
  lines: ReadonlyArray<string>
): Cause | undefined => {
  if (/connection refused/.test(message)) {
    const { evidence, port, wrong } = portsSeen(podCase)
    // In its second run its ports may tell more yet: the next rule's.
    const { restartCount = 0, state } = podCase.container ?? {}
    if (wrong === undefined && state?.running !== undefined && restartCount < 2) return undefined
    const gaveUp = `and was ended after ${failureThreshold} checks`
    return {
      diagnosis:
        wrong === undefined
          ? diagnosisOf("NotListening", `the program did not listen on port ${port}, ${gaveUp}`, [message, ...evidence])
          : diagnosisOf(
              "WrongPort",
              `the program listens on port ${wrong}, not on ${port} where its requests are sent, ${gaveUp}`,
              [message, ...evidence],
              fixOfPort(wrong)
            ),
      terminal: true,
      logTail: lines
    }
  }
  return {
    diagnosis: diagnosisOf(
      "ProbeFailing",
      `the startup probe${httpGet === undefined ? "" : ` GET ${httpGet.path}`} failed ${failureThreshold} times in a row: ${answerIn(message)}`,
      [message]
    ),
    terminal: true,
    logTail: lines
  }
}
