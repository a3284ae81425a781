import { diagnosisOf } from "@maxcloud/sdk/api"
import { noAnswer, notListening, wrongAnswer, wrongPort } from "../../diagnosis/listening.ts"
import { type Cause, type FindingOf, patienceOfAnswer, type Want } from "./Evidence.ts"
import { type PodCase, questionKey, timeOf } from "./PodCase.ts"

/** Ages of a container, in seconds, at which to check a program that isn't ready. */
const ages: ReadonlyArray<number> = [2, 4, 8, 13, 20, 40, 80, 160, 320]

/**
 * A program that runs but isn't ready: does it listen, where, and what does it answer? Checked repeatedly, because it may just be
 * slow. A certain finding is reported after the second check, an answer that may change after the third.
 */
export const listenCause = (podCase: PodCase): Cause | undefined => {
  const { container, now, pod, port } = podCase
  const startedAt = timeOf(container?.state.running?.startedAt ?? "")
  if (container === undefined || Number.isNaN(startedAt)) return undefined
  const path = podCase.startup?.httpGet?.path ?? podCase.readiness?.httpGet?.path
  const wantAt = (age: number): Want => ({
    kind: "ports",
    key: questionKey(podCase, `ports/${age}`),
    namespace: pod.metadata.namespace,
    pod: pod.metadata.name,
    container: container.name,
    port,
    path
  })
  const due = ages.findLast((age) => now >= startedAt + age * 1000)
  const next = ages.find((age) => now < startedAt + age * 1000)
  const lookAgainAt = next === undefined ? undefined : startedAt + next * 1000
  const looks = ages.flatMap((age) => {
    const found = portsFound(podCase, wantAt(age).key)
    return found === undefined ? [] : [{ age, found }]
  })
  const wants = due !== undefined && !podCase.findings.has(wantAt(due).key) ? [wantAt(due)] : []
  const newest = looks.at(-1)
  const said = newest === undefined ? undefined : judge(podCase, looks, path)
  return said === undefined
    ? { ...starting(podCase, now - startedAt), lookAgainAt, wants }
    : { ...said, logTail: newest?.found.lines ?? [], lookAgainAt, wants }
}

interface Look {
  readonly age: number
  readonly found: FindingOf<"ports">
}

const starting = ({ port }: PodCase, age: number): Cause => ({
  diagnosis: diagnosisOf("NotListening", `the program is running but isn't ready on port ${port} yet`, [
    `started ${Math.max(0, Math.round(age / 1000))} s ago`
  ]),
  certain: false,
  quiet: true
})

const judge = (podCase: PodCase, looks: ReadonlyArray<Look>, path: string | undefined): Cause | undefined => {
  const { port } = podCase
  const newest = looks.at(-1)
  if (newest === undefined) return undefined
  const { declared, named, other } = newest.found
  if (declared.state === "closed" && other !== undefined) {
    const before = looks.at(-2)?.found
    return {
      diagnosis: wrongPort(other, port, [
        `port ${port}: connection refused, ${newest.age} s after the start`,
        `port ${other}: open`,
        ...newest.found.lines.filter((line) => line.includes(String(other))).slice(-1)
      ]),
      certain: before !== undefined && newest.age >= 8 && before.declared.state === "closed" && before.other === other
    }
  }
  if (declared.state === "silent" && path !== undefined) {
    return {
      diagnosis: noAnswer(path, port, patienceOfAnswer),
      certain: newest.age >= 8 && looks.at(-2)?.found.declared.state === "silent"
    }
  }
  if (declared.state === "open" && path !== undefined) return wrongAnswerCause(podCase, looks, path)
  if (declared.state === "open" || declared.state === "silent") return undefined
  const maybe = named === undefined || named === port ? "" : `; its log names port ${named}`
  return {
    diagnosis: notListening(
      port,
      newest.age,
      [
        declared.state === "closed"
          ? `port ${port}: connection refused, and no other port tried is open`
          : `port ${port}: no answer`,
        ...newest.found.lines.slice(-3)
      ],
      { suffix: maybe }
    ),
    certain: false
  }
}

const isWrong = (status: number | undefined): status is number =>
  status !== undefined && (status < 200 || status >= 400)
/** A working server would give such an answer again, so it is final. */
const isFinal = (status: number | undefined) => status !== undefined && status >= 400 && status < 500 && status !== 429

const wrongAnswerCause = ({ port }: PodCase, looks: ReadonlyArray<Look>, path: string): Cause | undefined => {
  const answers = looks.map((look) => look.found.declared)
  const newest = answers.at(-1)
  const status = newest?.status
  if (newest === undefined || !isWrong(status)) return undefined
  return {
    diagnosis: wrongAnswer(path, port, status, newest.body),
    certain:
      (looks.at(-1)?.age ?? 0) >= 13 &&
      answers.length >= 3 &&
      answers.slice(-3).every((answer) => isFinal(answer.status))
  }
}

const portsFound = ({ findings }: PodCase, key: string): FindingOf<"ports"> | undefined => {
  const found = findings.get(key)
  return found?.kind === "ports" ? found : undefined
}

const looksOfAnyRun = (podCase: PodCase): ReadonlyArray<FindingOf<"ports">> =>
  Array.from({ length: (podCase.container?.restartCount ?? 0) + 1 }, (_, run) => run).flatMap((run) =>
    ages.flatMap((age) => portsFound(podCase, `${podCase.pod.metadata.uid}/${run}/ports/${age}`) ?? [])
  )

/** The open ports found in any run of the container. */
export const portsSeen = (
  podCase: PodCase
): { readonly port: number; readonly wrong: number | undefined; readonly evidence: ReadonlyArray<string> } => {
  const wrong = looksOfAnyRun(podCase).findLast(
    (each) => each.declared.state === "closed" && each.other !== undefined
  )?.other
  return { port: podCase.port, wrong, evidence: wrong === undefined ? [] : [`port ${wrong}: open`] }
}

/** The last wrong answer to the probe, in the kubelet's words; undefined if there was none. */
export const wrongAnswerSeen = (podCase: PodCase): string | undefined => {
  const declared = looksOfAnyRun(podCase).at(-1)?.declared
  if (declared?.state === "closed") return `port ${podCase.port}: connection refused`
  return declared !== undefined && isWrong(declared.status)
    ? `HTTP probe failed with statuscode: ${declared.status}`
    : undefined
}
