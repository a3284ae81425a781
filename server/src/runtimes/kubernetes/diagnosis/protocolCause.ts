import { closesConnections, type Protocol, wrongProtocol } from "../../diagnosis/listening.ts"
import type { PodObject, RevisionObject } from "../cache/objects.ts"
import { type Evidence, noVerdict, type Verdict } from "./Evidence.ts"
import { isReady, timeOf } from "./PodCase.ts"
import { condition } from "./revisionFacts.ts"

/**
 * Seconds after a revision became ready at which to ask an instance of it for its protocol. Knative only checks that the port is open. A
 * program that is wrongly declared as h2c shows only in failed requests, so these are looked for again.
 */
const ages: ReadonlyArray<number> = [0, 10, 30, 90, 300]
/** A revision that has been ready for longer isn't asked, for example after a restart of the server. */
const oldest = 600

const portOf = ({ spec }: RevisionObject) => spec.containers.flatMap((container) => container.ports)[0]

/** A ready revision whose program speaks another version of HTTP than its config says. Undefined if nothing is wrong. */
export const spokenOtherwise = (
  { findings, now }: Evidence,
  revision: RevisionObject,
  alive: ReadonlyArray<PodObject>
): Verdict | undefined => {
  const ready = condition(revision.status.conditions, "Ready")
  const readyAt = timeOf(ready?.status === "True" ? ready.lastTransitionTime : "")
  const pod = alive.find(isReady)
  const port = portOf(revision)
  if (pod === undefined || port === undefined || Number.isNaN(readyAt)) return undefined
  const declared: Protocol = port.name === "h2c" ? "h2c" : "http1"
  const keyAt = (age: number) => `${revision.metadata.uid}/protocol/${age}`
  const found = ages.flatMap((age) => {
    const finding = findings.get(keyAt(age))
    return finding?.kind === "protocol" ? [finding] : []
  })
  const failed = found.findLast((each) => each.failed !== undefined)?.failed
  const isWrong = declared === "http1" ? found.at(-1)?.speaks === "h2c" : failed !== undefined
  if (isWrong) {
    const evidence =
      declared === "http1" ? [`port ${port.containerPort}: an HTTP/1.1 request is answered by HTTP/2`] : [failed ?? ""]
    return { ...noVerdict, diagnosis: wrongProtocol(port.containerPort, declared, evidence) }
  }
  const closed = declared === "http1" && found.length >= 2 && found.every((each) => each.speaks === "closed")
  const unsure: Verdict = closed ? { ...noVerdict, diagnosis: closesConnections(port.containerPort) } : noVerdict
  const wasAnswered = declared === "http1" && found.some((each) => each.speaks === "http1")
  // Not `noVerdict` itself, so that the answers are kept.
  if (wasAnswered || now > readyAt + oldest * 1000) return found.length > 0 ? { ...unsure } : undefined
  const due = ages.findLast((age) => now >= readyAt + age * 1000)
  const next = ages.find((age) => now < readyAt + age * 1000)
  return {
    ...unsure,
    wants:
      due === undefined || findings.has(keyAt(due))
        ? []
        : [
            {
              kind: "protocol",
              key: keyAt(due),
              namespace: pod.metadata.namespace,
              pod: pod.metadata.name,
              port: port.containerPort
            }
          ],
    lookAgainAt: next === undefined ? undefined : readyAt + next * 1000
  }
}
